package transport

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A ClientProfile is the authentication profile of a client: one document that
// declares its keys, whom it trusts, what its tokens say, and how they are
// used. [LoadClient] reads it from a file; it nests in a service's own
// configuration, in JSON and in YAML, just as strictly.
//
//	{
//	  "keystore":   {"path": "consumer.jks", "password": {"env": "CONSUMER_JKS_PASSWORD"}},
//	  "truststore": {"path": "trusted.jks", "password": {"env": "TRUSTED_JKS_PASSWORD"}},
//	  "token":      "consumer.json",
//	  "use":        "jwtBearer",
//	  "grant":      {"tokenURL": "https://producer.example/token"},
//	  "origins":    ["https://producer.example"],
//	  "publish":    {"keySet": "https://consumer.example/jwks.json"}
//	}
//
// Paths in it are relative to the document's folder. No secret stands in it. The
// files it names are followed, and secrets asked for anew when they are needed,
// so that nothing is built again when one is replaced.
type ClientProfile struct {
	// Keystore has the client's own keys. Nil: none, which does for a TokenFile,
	// and for a client that has a secret.
	Keystore *DeclaredStore `json:"keystore,omitempty"`

	// Truststore has the certificates of the servers that are trusted, and of
	// those that tokens are encrypted to. Nil: the system's roots, and nobody.
	Truststore *DeclaredStore `json:"truststore,omitempty"`

	// Token is the profile of the tokens that are signed here, with the keystore.
	Token *DeclaredToken `json:"token,omitempty"`

	// TokenFile is, in place of Token, the path of a file in which another
	// process keeps a fresh token: see [FileToken].
	TokenFile string `json:"tokenFile,omitempty"`

	// Use says what the token is used for: "bearer" sends it with every request;
	// "jwtBearer" exchanges it as an assertion (RFC 7523 section 2.1),
	// "tokenExchange" as the subject token (RFC 8693); with "clientCredentials"
	// the client authenticates by it (RFC 7523 section 2.2, private_key_jwt), if
	// not by a secret. Or it is the name of one of Uses. Empty: "bearer".
	Use string `json:"use,omitempty"`

	// Grant is the token endpoint, and what it is told. Nil where Use asks none.
	Grant *DeclaredGrant `json:"grant,omitempty"`

	// Options are for a kind of use of the program's own.
	Options json.RawMessage `json:"options,omitempty"`

	// Origins, PlainHTTP, Header and Scheme are the fields of [Bearer].
	Origins   []string `json:"origins,omitempty"`
	PlainHTTP bool     `json:"plainHTTP,omitempty"`
	Header    string   `json:"header,omitempty"`
	Scheme    string   `json:"scheme,omitempty"`

	// MutualTLS presents a certificate of the keystore to servers that ask. Nil:
	// none.
	MutualTLS *DeclaredKey `json:"mutualTLS,omitempty"`

	// DPoP proves with every request possession of the key that the token is
	// bound to (RFC 9449): the key with the Alias, or without one a key that is
	// made at the start. Nil: tokens are not bound.
	DPoP *DeclaredKey `json:"dpop,omitempty"`

	// EncryptTo is the URL of the recipient's key set, for a Token that is
	// encrypted. Empty: the truststore has the recipient's certificate.
	EncryptTo string `json:"encryptTo,omitempty"`

	// Publish is where others find the client's keys. Nil: it is for the program
	// to say where [Client.Handler] answers.
	Publish *DeclaredKeySet `json:"publish,omitempty"`

	// Dir is the folder that relative paths are against. [LoadClient] sets it to
	// the document's. Empty: the working directory.
	Dir string `json:"-"`

	// Uses are further kinds of use, by name. They come before ours.
	Uses Uses `json:"-"`

	// Logger is the logger of each part. Nil: nothing is logged.
	Logger *slog.Logger `json:"-"`

	// Now is the clock of tokens and proofs. Nil: [time.Now].
	Now func() time.Time `json:"-"`
}

// A DeclaredKeySet is where a client publishes its keys.
type DeclaredKeySet struct {
	URL string `json:"keySet"` // the JSON Web Key Set URI, as others fetch it

	// Alias, Certificates and MaxAge are the fields of [jwks.Handler].
	Alias        string        `json:"alias,omitempty"`
	Certificates bool          `json:"certificates,omitempty"`
	MaxAge       time.Duration `json:"maxAge,omitempty"`
}

// clientProfiles are the documents of [ClientProfile].
const clientProfiles tokenprofile.Document = "transport: client profile"

// LoadClient reads a client's authentication profile from a JSON file, as
// [ParseClient] does.
func LoadClient(path string, uses Uses) (*ClientProfile, error) {
	p := &ClientProfile{Dir: filepath.Dir(path), Uses: uses}
	if err := clientProfiles.Load(path, p); err != nil {
		return nil, err
	}
	return p, nil
}

// ParseClient reads a client's authentication profile from JSON, as strictly as
// [tokenprofile.Parse]. All faults are reported at once, those of
// [ClientProfile.Validate] among them, each a [*tokenprofile.Fault] with its
// path. Uses are kinds of use of the program's own; nil: none.
func ParseClient(data []byte, uses Uses) (*ClientProfile, error) {
	p := &ClientProfile{Uses: uses}
	if err := clientProfiles.Parse(data, p); err != nil {
		return nil, err
	}
	return p, nil
}

// UnmarshalJSON reads a profile that is part of a larger configuration. It
// leaves [ClientProfile.Validate] to whoever has the whole, and Dir, Uses,
// Logger and Now as they are.
func (p *ClientProfile) UnmarshalJSON(data []byte) error {
	return p.decoded(func(into any) error { return clientProfiles.Decode(data, into) })
}

// UnmarshalYAML reads a profile as UnmarshalJSON does, for YAML libraries.
func (p *ClientProfile) UnmarshalYAML(unmarshal func(any) error) error {
	return p.decoded(func(into any) error { return clientProfiles.DecodeYAML(unmarshal, into) })
}

func (p *ClientProfile) decoded(decode func(any) error) error {
	decoded := ClientProfile{Dir: p.Dir, Uses: p.Uses, Logger: p.Logger, Now: p.Now}
	if err := decode(&decoded); err != nil {
		return err
	}
	*p = decoded
	return nil
}

// MarshalJSON writes the document that [ParseClient] reads.
func (p ClientProfile) MarshalJSON() ([]byte, error) { return clientProfiles.Encode(p) }

// MarshalYAML writes a profile as MarshalJSON does, for YAML libraries.
func (p ClientProfile) MarshalYAML() (any, error) { return clientProfiles.EncodeYAML(p) }

// Validate reports every fault of the profile at once, each a
// [*tokenprofile.Fault] with its path. It reads the token profiles that the
// document names, and no other file.
func (p *ClientProfile) Validate() error {
	var f documentFaults
	p.Keystore.check(&f, "keystore")
	p.Truststore.check(&f, "truststore")
	p.checkToken(&f, "token", p.Token)
	if p.Token != nil && p.TokenFile != "" {
		f.add("tokenFile", "contradicts token, which is signed here")
	}
	p.checkUse(&f)
	p.checkBearer(&f)
	p.checkPublish(&f)
	return f.in(clientProfiles)
}

// Client opens the stores, and builds the client that the profile declares.
// What is wrong with the profile, or keeps it from its keys, is an error; no
// server is asked for anything.
func (p *ClientProfile) Client() (*Client, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	loaded, err := p.loaded()
	if err != nil {
		return nil, err
	}
	c := &Client{Options: p.Options, profile: loaded}
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("%s: %w", clientProfiles, err)
	}
	return c, nil
}

// loaded returns a copy that holds its token profiles itself.
func (p *ClientProfile) loaded() (*ClientProfile, error) {
	loaded, alias := *p, p.Keystore.alias()
	var errs [3]error
	loaded.Token, errs[0] = p.Token.load(p.Dir, alias, p.Now)
	if p.Grant != nil {
		grant := *p.Grant
		grant.ClientAssertion, errs[1] = grant.ClientAssertion.load(p.Dir, alias, p.Now)
		grant.Actor, errs[2] = grant.Actor.load(p.Dir, alias, p.Now)
		loaded.Grant = &grant
	}
	return &loaded, errors.Join(errs[:]...)
}

// Waives lists what the profile gives up of its strictness, each by its path: of
// its token profiles what [tokenprofile.Waive] lists, "plainHTTP",
// "keystore.allowUnverified" and so on. It is for a linter; Logger is told of
// it when the client is built.
func (p *ClientProfile) Waives() []string {
	var w waivers
	w.stores(p.Keystore, p.Truststore)
	w.token("token", p.Token, p.Dir)
	if p.Grant != nil {
		w.token("grant.clientAssertion", p.Grant.ClientAssertion, p.Dir)
		w.token("grant.actor", p.Grant.Actor, p.Dir)
	}
	w.note("plainHTTP", p.PlainHTTP)
	return w
}

// checkToken looks at a token that the keystore signs.
func (p *ClientProfile) checkToken(f *documentFaults, path string, t *DeclaredToken) {
	if t == nil {
		return
	}
	if p.Keystore == nil {
		f.add("keystore", "is missing: nothing signs %s", path)
	}
	loaded, err := t.load(p.Dir, p.Keystore.alias(), p.Now)
	if err != nil { // what could be read may be wrong, too
		_, err = tokenprofile.Load(resolve(p.Dir, t.Path))
		f.token(path, t, err)
		return
	}
	profile := &loaded.Profile
	f.token(path, t, profile.Validate())
	if profile.Algorithm == "" && profile.Encryption != nil {
		f.add(path+".algorithm", "is missing: the tokens of an authentication profile are signed")
	}
	if profile.Encryption != nil && !profile.Encryption.KeyAlgorithm.UsesSecret() && p.EncryptTo == "" && p.Truststore == nil {
		f.add("encryptTo", "is missing, and so is truststore: nothing says whom %s is encrypted to", path)
	}
}

func (p *ClientProfile) checkUse(f *documentFaults) {
	use, err := p.Uses.named(p.Use)
	if err != nil {
		f.add("use", "%v", err)
		return
	}
	if checker, ok := use.(interface{ Check(*ClientProfile) error }); ok {
		f.within("", checker.Check(p))
	}
}

func (p *ClientProfile) checkBearer(f *documentFaults) {
	if p.Origins != nil && len(p.Origins) == 0 {
		f.add("origins", "is empty: no request would carry a token")
	}
	for i, o := range p.Origins {
		if _, err := canonicalOrigin(o, p.PlainHTTP); err != nil {
			f.add(indexed("origins", i), "%v", err)
		}
	}
	f.checkWord("header", p.Header)
	f.checkWord("scheme", p.Scheme)
	if p.MutualTLS != nil && p.Keystore == nil {
		f.add("mutualTLS", "needs a keystore")
	}
	if p.DPoP != nil && p.DPoP.Alias != "" && p.Keystore == nil {
		f.add("dpop.alias", "needs a keystore")
	}
	f.checkURL("encryptTo", p.EncryptTo, p.PlainHTTP)
}

func (p *ClientProfile) checkPublish(f *documentFaults) {
	if p.Publish == nil {
		return
	}
	if p.Keystore == nil {
		f.add("publish", "needs a keystore")
		return
	}
	if p.Publish.URL == "" {
		f.add("publish.keySet", "is missing")
	}
	f.checkURL("publish.keySet", p.Publish.URL, p.PlainHTTP)
	if before := cmp.Or(p.Keystore.PublishBefore, keystore.DefaultPublishBefore); p.Publish.MaxAge > before {
		f.add("publish.maxAge", "is longer than keystore.publishBefore, %s: a new key would sign before everybody knows it", before)
	}
}
