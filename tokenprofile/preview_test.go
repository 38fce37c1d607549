package tokenprofile_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Preview shows what Sign writes, but for what only a key can say.
func TestPreview(t *testing.T) {
	p := profileOf("HS256")
	p.Claims = map[string]any{"tenant": "t1"}
	p.Header.Extra = map[string]any{"x": 1}
	p.Header.Func = func(context.Context) (map[string]any, error) { return map[string]any{"nonce": "n"}, nil }
	p.ClaimsFunc = func(context.Context) (any, error) { return map[string]any{"trace": "t"}, nil }
	claims := map[string]any{"role": "user"}
	header, payload, err := p.Preview(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := pair(t, p)
	wantHeader, wantPayload := written(t, ok(signer.Sign(t.Context(), claims))(t))
	if string(payload) != wantPayload {
		t.Errorf("got payload %s, want %s", payload, wantPayload)
	}
	if want := strings.Replace(wantHeader, `"kid":"k1",`, "", 1); string(header) != want {
		t.Errorf("got header %s, want %s", header, want)
	}
	_, _, err = p.Preview(map[string]any{"iss": "x"})
	mentions(t, err, `"iss"`)
	p.Header.Func = func(context.Context) (map[string]any, error) { return map[string]any{"kid": "n"}, nil }
	_, _, err = p.Preview(nil)
	mentions(t, err, `Header.Func: "kid" cannot be set here`)
}

func TestPreviewShowsAFixedKid(t *testing.T) {
	p := profileOf("ES256")
	p.Header = tokenprofile.Header{KeyID: "mine", X5C: true}
	header, _, err := p.Preview(nil)
	if want := `{"alg":"ES256","typ":"JWT","kid":"mine"}`; err != nil || string(header) != want {
		t.Errorf("got %s, %v, want %s", header, err, want)
	}
}
