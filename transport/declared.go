package transport

import (
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A DeclaredStore is a keystore or a truststore in an authentication profile.
// Its members are fields of [keystore.File], which explains them.
type DeclaredStore struct {
	Path        string          `json:"path"`
	Certificate string          `json:"certificate,omitempty"` // of the key in Path, if it is in a file of its own
	Password    *DeclaredSecret `json:"password,omitempty"`
	KeyPassword *DeclaredSecret `json:"keyPassword,omitempty"`

	// Alias is the key for signing and for TLS, where nothing else names one.
	// Empty: the only one that fits.
	Alias string `json:"alias,omitempty"`

	PublishBefore          time.Duration `json:"publishBefore,omitempty"`
	PublishAfter           time.Duration `json:"publishAfter,omitempty"`
	AllowUnverified        bool          `json:"allowUnverified,omitempty"`
	IgnoreCertificateDates bool          `json:"ignoreCertificateDates,omitempty"`
}

// open opens the store. A nil declaration yields a nil store.
func (s *DeclaredStore) open(dir string, logger *slog.Logger) (*keystore.Store, error) {
	if s == nil {
		return nil, nil
	}
	return keystore.File{
		Path: resolve(dir, s.Path), Certificate: resolve(dir, s.Certificate),
		Password: s.Password.password(dir), KeyPassword: s.KeyPassword.password(dir),
		PublishBefore: s.PublishBefore, PublishAfter: s.PublishAfter,
		AllowUnverified: s.AllowUnverified, IgnoreCertificateDates: s.IgnoreCertificateDates,
		Logger: logger,
	}.Open()
}

// alias returns the alias of the store, if there is a store.
func (s *DeclaredStore) alias() string {
	if s == nil {
		return ""
	}
	return s.Alias
}

func (s *DeclaredStore) check(f *documentFaults, path string) {
	if s == nil {
		return
	}
	if s.Path == "" {
		f.add(path+".path", "is missing")
	}
	s.Password.check(f, path+".password")
	s.KeyPassword.check(f, path+".keyPassword")
}

// A DeclaredSecret says where a password or a client's secret is. It never
// holds the secret itself, because more people read a document than may know
// the secret.
type DeclaredSecret struct {
	Env  string `json:"env,omitempty"`  // an environment variable
	File string `json:"file,omitempty"` // a file of one line, as Kubernetes and Docker mount secrets
}

// UnmarshalText refuses a secret that stands in the document.
func (s *DeclaredSecret) UnmarshalText([]byte) error {
	return errors.New(`stands in the document, for all who read it: put it elsewhere, and say {"env": "NAME"} or {"file": "PATH"}`)
}

// password reads the secret whenever it is needed, so that it can change.
func (s *DeclaredSecret) password(dir string) keystore.Password {
	switch {
	case s == nil:
		return nil
	case s.Env != "":
		return keystore.EnvPassword(s.Env)
	}
	return keystore.FilePassword(resolve(dir, s.File))
}

func (s *DeclaredSecret) check(f *documentFaults, path string) {
	if s != nil && (s.Env == "") == (s.File == "") {
		f.add(path, "needs either env or file")
	}
}

// A DeclaredToken is a token profile in an authentication profile: the profile
// itself, or as a text the path of its file.
type DeclaredToken struct {
	Path    string               `json:"-"`
	Profile tokenprofile.Profile `json:"-" document:"inline"` // if there is no Path
}

// UnmarshalText takes the path of a profile.
func (t *DeclaredToken) UnmarshalText(path []byte) error {
	if len(path) == 0 {
		return errors.New("is an empty path")
	}
	t.Path = string(path)
	return nil
}

// MarshalJSON writes the path, or the profile.
func (t DeclaredToken) MarshalJSON() ([]byte, error) {
	if t.Path != "" {
		return json.Marshal(t.Path)
	}
	return t.Profile.MarshalJSON()
}

// tokenProfiles are the documents that Path names.
const tokenProfiles tokenprofile.Document = "tokenprofile: profile"

// load returns the token with its profile, read if it is in a file: what is
// built of several parts is built of one reading. The store's alias stands in
// for one that the profile does not name. It is not validated yet.
func (t *DeclaredToken) load(dir, alias string, now func() time.Time) (*DeclaredToken, error) {
	if t == nil {
		return nil, nil
	}
	loaded := *t
	if t.Path != "" {
		if err := tokenProfiles.Load(resolve(dir, t.Path), &loaded); err != nil {
			return nil, err
		}
		loaded.Path = ""
	}
	if profile := &loaded.Profile; profile.KeyAlias == "" && !profile.NewestKey {
		profile.KeyAlias = alias
	}
	if loaded.Profile.Now == nil {
		loaded.Profile.Now = now
	}
	return &loaded, nil
}

// A DeclaredKey is a key of the keystore that an authentication profile uses
// for something besides its tokens.
type DeclaredKey struct {
	Alias string `json:"alias,omitempty"`
}

// resolve returns a path of a document, relative to the document's folder.
func resolve(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
