package main

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// serve answers on the listener until the server is closed.
func serve(listener net.Listener, handler http.Handler, config *tls.Config) *http.Server {
	server := &http.Server{
		Handler:           handler,
		TLSConfig:         config,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up, or do not trust the certificate
	}
	if config == nil {
		go server.Serve(listener)
	} else {
		go server.ServeTLS(listener, "", "")
	}
	return server
}
