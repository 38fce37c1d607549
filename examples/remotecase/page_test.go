package main

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var pictureFile = flag.String("screenshot", "", "write what the browser shows to this file, for the README")

// TestPageInABrowser works at the page as a person does: the case with the
// keyboard alone, the rest with the mouse.
func TestPageInABrowser(t *testing.T) {
	b := startBrowser(t)
	s := startSystems(t)
	page := httptest.NewServer(newDesk(s))
	defer page.Close()
	b.open(page.URL)
	wantText(t, b, "tbody", "L-1041 Car loan", "L-1042 Home improvement", "L-1043 Study loan")

	// The skip link; the cases, of which the second; the users, of whom the
	// second; the ways, of which the second; the second button.
	b.press(keyTab, keyTab, keyDown, keyTab, keyDown, keyTab, keyDown, keyTab, keyTab, keyEnter)
	wantText(t, b, ".outcome", "L-1042 is now waiting for documents", "operator-23 has worked on it", "ben")
	wantText(t, b, "#wire", "POST /token", "POST /granted/cases/L-1042/ask", `"sub": "ben"`, `"sub": "operator-23"`,
		"alias remotecase of Remotecasetype_Keystore, Financial operations", `msg="case worked on"`)
	if token := wholeToken.FindString(b.eval("document.documentElement.outerHTML")); token != "" {
		t.Errorf("the page shows a token: %.20s…", token)
	}
	if *pictureFile != "" {
		b.eval("window.scrollTo(0, 0)")
		if err := os.WriteFile(*pictureFile, b.screenshot(), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	for name, want := range map[string]string{
		"user": "403", "system": "401", "replay": "already used", "truststore": "No request arrived at the producer",
	} {
		b.click(`button[value="` + name + `"]`)
		wantText(t, b, ".outcome", "Refused: ")
		wantText(t, b, "#wire", want)
	}

	before := b.eval(`document.querySelector(".keys .signing").closest("tr").querySelector("code").textContent`)
	b.click(`form[action="/rotation"] button`)
	wantText(t, b, ".outcome", "The new key signs", "no attempt failed")
	wantText(t, b, ".keys", before, "signing", "retired", "published until")
	if after := b.eval(`document.querySelector(".keys .signing").closest("tr").querySelector("code").textContent`); after == before {
		t.Errorf("the key that signs is %q as before", after)
	}
	b.click("summary")
	wantText(t, b, "details", before, `"keys"`)
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the browser's console shows %q", complaints)
	}
}

// pagePatience is how long a page may take to show what it should: a hang, not
// a measure.
const pagePatience = time.Minute

// wantText demands texts in what the elements show, once the page is there.
func wantText(t *testing.T, b *browser, selector string, wants ...string) {
	t.Helper()
	var text, missing string
	for deadline := time.Now().Add(pagePatience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		text = b.eval(`[...document.querySelectorAll("` + selector + `")].map(e => e.innerText).join("\n")`)
		i := slices.IndexFunc(wants, func(want string) bool { return !strings.Contains(text, want) })
		if i < 0 {
			return
		}
		missing = wants[i]
	}
	t.Fatalf("%s does not show %q:\n%s", selector, missing, text)
}

// TestPageRefusesOtherSites has another site's page set off an action.
func TestPageRefusesOtherSites(t *testing.T) {
	s := startSystems(t)
	page := httptest.NewServer(newDesk(s))
	defer page.Close()
	body := strings.NewReader(url.Values{"name": {"user"}}.Encode())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page.URL+"/refusal", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("got %s, want 403", response.Status)
	}
}
