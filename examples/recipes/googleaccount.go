package main

import (
	"encoding/json"
	"errors"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A googleAccount is what the JSON file of a Google service account says.
type googleAccount struct {
	email, tokenURL string
	keys            *keystore.Store // under the kid that Google knows
}

// readGoogleAccount reads the JSON file that Google made with the key. (To follow
// the file's replacement, open it with [keystore.Open].)
//
// Rule: Google Cloud, "Create and delete service account keys": client_email,
// private_key in PEM, private_key_id, which is the kid, and token_uri.
func readGoogleAccount(file []byte) (*googleAccount, error) {
	var members struct {
		Email    string `json:"client_email"`
		TokenURL string `json:"token_uri"`
	}
	if json.Unmarshal(file, &members) != nil || members.Email == "" { // the error could quote the key
		return nil, errors.New("not the JSON file of a Google service account")
	}
	keys, err := keystore.Parse(file, nil)
	return &googleAccount{members.Email, members.TokenURL, keys}, err
}
