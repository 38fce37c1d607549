package tokenprofile_test

import (
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func TestPSSKeySignsPSSAlone(t *testing.T) {
	store, err := keystore.Open("../keystore/testdata/keytool-pss.p12", keystore.StaticPassword("changeit"))
	if err != nil {
		t.Fatal(err)
	}
	profile := tokenprofile.Profile{Algorithm: tokenprofile.PS256, Issuer: "https://consumer.example", Audience: []string{"https://producer.example"}}
	if _, err := profile.Signer(store); err != nil {
		t.Errorf("PS256: %v", err)
	}
	profile.Algorithm = tokenprofile.RS256
	if _, err := profile.Signer(store); err == nil || !strings.Contains(err.Error(), "RSASSA-PSS alone") {
		t.Errorf("RS256: got %v, want that the key allows RSASSA-PSS alone", err)
	}
}
