package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A browser is a headless Chromium, driven by the W3C's WebDriver protocol.
type browser struct {
	t       *testing.T
	session string // its URL
}

// startBrowser starts chromedriver, and with it a Chromium of its own.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	if os.Getenv("TOKENPROFILE_TOOLS") == "" {
		t.Skip("needs chromium and chromedriver: set TOKENPROFILE_TOOLS=1")
	}
	driver := exec.Command("chromedriver", "--port=0")
	out, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		driver.Process.Kill()
		driver.Wait()
	})
	arguments := []string{"--headless", "--window-size=1400,1500", "--hide-scrollbars", "--disable-dev-shm-usage"}
	if os.Geteuid() == 0 {
		arguments = append(arguments, "--no-sandbox") // Chromium has none for root
	}
	b := &browser{t: t, session: "http://localhost:" + driverPort(t, out) + "/session"}
	var opened struct {
		SessionID string `json:"sessionId"`
	}
	b.do(http.MethodPost, "", object{"capabilities": object{"alwaysMatch": object{
		"goog:chromeOptions": object{"args": arguments},
		"goog:loggingPrefs":  object{"browser": "ALL"},
	}}}, &opened)
	b.session += "/" + opened.SessionID
	t.Cleanup(func() { b.do(http.MethodDelete, "", object{}, nil) })
	return b
}

type object map[string]any

// driverPort reads which port chromedriver has chosen.
func driverPort(t *testing.T, out io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, port, ok := strings.Cut(lines.Text(), "successfully on port "); ok {
			go io.Copy(io.Discard, out)
			return strings.TrimSuffix(port, ".")
		}
	}
	t.Fatal("chromedriver names no port")
	return ""
}

// do is one command. Its answer's value goes into value.
func (b *browser) do(method, command string, body object, value any) {
	b.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, b.session+command, bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		b.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %s", method, command, answer.Value)
	}
	if value != nil {
		if err := json.Unmarshal(answer.Value, value); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.do(http.MethodPost, "/url", object{"url": url}, nil)
}

// eval is what a script returns, as a text.
func (b *browser) eval(script string) string {
	b.t.Helper()
	var value any
	b.do(http.MethodPost, "/execute/sync", object{"script": "return " + script, "args": []any{}}, &value)
	return fmt.Sprint(value)
}

// Keys that no character stands for, as WebDriver writes them.
const (
	keyTab   = "\ue004"
	keyEnter = "\ue007"
	keyDown  = "\ue015"
)

// press presses keys, one after the other, wherever the focus is. It does not
// wait for a page that is loaded by that.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	var actions []object
	for _, key := range keys {
		actions = append(actions, object{"type": "keyDown", "value": key}, object{"type": "keyUp", "value": key})
	}
	b.do(http.MethodPost, "/actions", object{"actions": []object{{"type": "key", "id": "keyboard", "actions": actions}}}, nil)
}

// click clicks on the one element that the CSS selector finds.
func (b *browser) click(selector string) {
	b.t.Helper()
	var found []map[string]string
	b.do(http.MethodPost, "/elements", object{"using": "css selector", "value": selector}, &found)
	if len(found) != 1 {
		b.t.Fatalf("%d elements are %s, not 1", len(found), selector)
	}
	for _, id := range found[0] {
		b.do(http.MethodPost, "/element/"+id+"/click", object{}, nil)
	}
}

// complaints are what the browser's console has shown.
func (b *browser) complaints() []string {
	b.t.Helper()
	var entries []struct{ Level, Message string }
	b.do(http.MethodPost, "/se/log", object{"type": "browser"}, &entries)
	var lines []string
	for _, e := range entries {
		lines = append(lines, e.Level+" "+e.Message)
	}
	return lines
}

// screenshot is the page as a person sees it, in PNG.
func (b *browser) screenshot() []byte {
	b.t.Helper()
	var encoded string
	b.do(http.MethodGet, "/screenshot", object{}, &encoded)
	picture, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		b.t.Fatal(err)
	}
	return picture
}
