package tokenprofile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A date is, to the microsecond, the number that the claim has.
func TestDatesAreTheirNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		seconds := 1 + random.Int64N(253402300799-1)
		if random.IntN(2) == 0 {
			seconds = 1 + random.Int64N(1<<31)
		}
		texts := []string{
			fmt.Sprint(seconds), fmt.Sprintf("%d.%06d", seconds, random.IntN(1e6)), fmt.Sprintf("%de0", seconds),
			fmt.Sprintf("%d000e-3", seconds), fmt.Sprintf("%d.%de0", seconds, random.IntN(10)), fmt.Sprintf("0.%012dE+12", seconds),
		}
		for _, text := range texts {
			var date tokenprofile.NumericDate
			if err := json.Unmarshal([]byte(text), &date); err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			want, _ := new(big.Rat).SetString(text)
			got := new(big.Rat).Add(new(big.Rat).SetInt64(date.Unix()), big.NewRat(int64(date.Nanosecond()), 1e9))
			distance := new(big.Rat).Sub(want, got)
			if distance.Abs(distance).Cmp(big.NewRat(50, 1e6)) > 0 {
				t.Errorf("%s: got %s, off by %s s", text, date, distance.FloatString(9))
			}
		}
	}
}

// A duration comes back from a document as it was.
func TestDurationsComeBack(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	units := []time.Duration{1, time.Microsecond, time.Millisecond, time.Second, time.Minute, time.Hour}
	for range 2000 {
		p := profileOf("ES256")
		p.Leeway = time.Duration(random.IntN(600)) * units[random.IntN(4)]
		p.Lifetime = time.Duration(1+random.IntN(5000)) * units[3+random.IntN(3)]
		p.Backdate = min(p.Lifetime-time.Second, time.Duration(random.IntN(90))*units[3+random.IntN(3)])
		again := ok(tokenprofile.Parse(ok(p.MarshalJSON())(t)))(t)
		if again.Leeway != p.Leeway || again.Lifetime != p.Lifetime || again.Backdate != p.Backdate {
			t.Errorf("got %v %v %v, want %v %v %v", again.Leeway, again.Lifetime, again.Backdate, p.Leeway, p.Lifetime, p.Backdate)
		}
	}
}

// A generator makes JSON values and writes each in several ways.
type generator struct{ *rand.Rand }

func (g generator) value(depth int) any {
	switch kind := g.IntN(8); {
	case kind == 0:
		return nil
	case kind == 1:
		return g.IntN(2) == 0
	case kind == 2:
		return json.Number(fmt.Sprint(g.Int64() - g.Int64()))
	case kind == 3:
		return json.Number(fmt.Sprintf("%d.%de%d", g.IntN(100), 1+g.IntN(9), g.IntN(40)-20))
	case kind == 4 || depth == 0:
		return strings.Repeat([]string{"a", "é", "\"", "\\", "/", "<", "\n", "😀", "0"}[g.IntN(9)], g.IntN(4))
	case kind == 5 || kind == 6:
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.value(depth-1))
		}
		return list
	}
	object := map[string]any{}
	for range g.IntN(4) {
		object[fmt.Sprint("k", g.IntN(9))] = g.value(depth - 1)
	}
	return object
}

// write writes the value with members in any order, space anywhere, and
// characters escaped or not.
func (g generator) write(b *bytes.Buffer, value any) {
	b.WriteString([]string{"", " ", "\n\t"}[g.IntN(3)])
	switch value := value.(type) {
	case []any:
		b.WriteByte('[')
		for n, element := range value {
			if n > 0 {
				b.WriteByte(',')
			}
			g.write(b, element)
		}
		b.WriteString(" ]")
	case map[string]any:
		b.WriteByte('{')
		n := 0
		for name, member := range value { // Go's order is any
			if n++; n > 1 {
				b.WriteByte(',')
			}
			g.write(b, name)
			b.WriteString(" :")
			g.write(b, member)
		}
		b.WriteByte('}')
	case string:
		g.writeText(b, value)
	default:
		data, _ := json.Marshal(value)
		b.Write(data)
	}
}

func (g generator) writeText(b *bytes.Buffer, text string) {
	b.WriteByte('"')
	for _, r := range text {
		switch escaped := g.IntN(2) == 0; {
		case r > 0xffff && escaped:
			fmt.Fprintf(b, `\ud83d\ude00`)
		case escaped || r < ' ' || r == '"' || r == '\\':
			if r > 0xffff {
				b.WriteRune(r)
				continue
			}
			fmt.Fprintf(b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// A demanded value is met however it is written, and by no other value.
func TestDemandedValuesHoweverTheyAreWritten(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(3, 3))}
	for range 300 {
		value, other := g.value(3), g.value(3)
		p := profileOf("HS256")
		p.Claims = map[string]any{"tenant": value}
		verifier := handmadeVerifier(t, p)
		var text, otherText bytes.Buffer
		g.write(&text, value)
		g.write(&otherText, other)
		if _, err := verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith("tenant="+text.String()))); err != nil {
			t.Errorf("%#v written as %s: %v", value, &text, err)
		}
		same := string(ok(json.Marshal(value))(t)) == string(ok(json.Marshal(other))(t))
		_, err := verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith("tenant="+otherText.String())))
		if (err == nil) != same {
			t.Errorf("%#v demanded, %s received: got %v", value, &otherText, err)
		}
	}
}

// Whatever is signed comes back when it is decoded, numbers exactly.
func TestSignedValuesComeBack(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(4, 4))}
	signer, verifier := pair(t, profileOf("HS256"))
	for range 300 {
		want := map[string]any{"one": g.value(4), "two": g.value(2)}
		token := ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), want))(t)))(t)
		var got map[string]any
		if err := token.Decode(&got); err != nil {
			t.Fatal(err)
		}
		for name, value := range want {
			if one, two := string(ok(json.Marshal(got[name]))(t)), string(ok(json.Marshal(value))(t)); one != two {
				t.Errorf("got %s, want %s", one, two)
			}
		}
	}
}

// Any text in the place of a segment is refused, never a panic.
func TestSegmentsOfAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	verifier := handmadeVerifier(t, profileOf("HS256"))
	good := strings.Split(handmade(handmadeKey, goodHeader, goodPayload), ".")
	for n := range 5000 {
		parts := append([]string{}, good...)
		junk := make([]byte, random.IntN(40))
		for i := range junk {
			junk[i] = "ABCDEFabcdef0123456789-_=. \n{}\":"[random.IntN(32)]
		}
		at := n % 3
		parts[at] = string(junk)
		if n%2 == 0 {
			cut := random.IntN(len(good[at]))
			parts[at] = good[at][:cut] + string(junk) + good[at][cut:]
		}
		text := strings.Join(parts, ".")
		if token, err := verifier.Verify(t.Context(), text); err == nil && text != strings.Join(good, ".") {
			t.Errorf("accepted %q as %v", text, token)
		}
	}
}
