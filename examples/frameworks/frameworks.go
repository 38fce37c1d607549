// Package frameworks puts a [transport.Guard] in front of the handlers of gin,
// chi and echo. Each function below is a service with one path that is open
// and one that is guarded.
package frameworks

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v5"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// Chi takes the guard as it is.
func Chi(guard *transport.Guard) http.Handler {
	router := chi.NewRouter()
	router.Get("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	router.Group(func(guarded chi.Router) {
		guarded.Use(guard.Handler)
		guarded.Get("/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
			token, _ := tokenprofile.FromContext(r.Context())
			fmt.Fprintf(w, "order %s for %s", chi.URLParam(r, "id"), token.Subject)
		})
	})
	return router
}

// Echo wraps the guard with its adapter for net/http middleware.
func Echo(guard *transport.Guard) http.Handler {
	router := echo.New()
	router.GET("/health", func(c *echo.Context) error { return c.String(http.StatusOK, "ok") })
	guarded := router.Group("/orders", echo.WrapMiddleware(guard.Handler))
	guarded.GET("/:id", func(c *echo.Context) error {
		token, _ := tokenprofile.FromContext(c.Request().Context())
		return c.String(http.StatusOK, fmt.Sprintf("order %s for %s", c.Param("id"), token.Subject))
	})
	return router
}

// Gin needs [GinGuard].
func Gin(guard *transport.Guard) http.Handler {
	router := gin.New()
	router.GET("/health", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	guarded := router.Group("/orders", GinGuard(guard))
	guarded.GET("/:id", func(c *gin.Context) {
		token, _ := tokenprofile.FromContext(c.Request.Context())
		c.String(http.StatusOK, "order %s for %s", c.Param("id"), token.Subject)
	})
	return router
}

// GinGuard is the guard as a middleware of gin, whose handlers do not call the
// next but are called one after the other, unless one aborts.
func GinGuard(guard *transport.Guard) gin.HandlerFunc {
	return func(c *gin.Context) {
		admitted := false
		next := func(_ http.ResponseWriter, r *http.Request) {
			admitted = true
			c.Request = r
			c.Next()
		}
		guard.Handler(http.HandlerFunc(next)).ServeHTTP(c.Writer, c.Request)
		if !admitted {
			c.Abort()
		}
	}
}
