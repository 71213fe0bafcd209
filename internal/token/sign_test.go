package token

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

// The texts of PyJWT 1: json.dumps(separators=(",", ":")) of Python, signed with hmac.
func TestSignWritesWhatPythonWrites(t *testing.T) {
	claims := []Claim{
		{"user_id", int64(7)},
		{"username", "Zoë 😀 \"q\"\\/ \x7f\x01\b\f\n\r\t\u2028"},
		{"exp", 1700000000},
		{"ok", true},
		{"none", nil},
		{"aud", []string{"a", "b"}},
		{"neg", -1},
	}
	const wantPayload = `{"user_id":7,"username":"Zo\u00eb \ud83d\ude00 \"q\"\\/ \u007f\u0001\b\f\n\r\t\u2028",` +
		`"exp":1700000000,"ok":true,"none":null,"aud":["a","b"],"neg":-1}`
	const want = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9." +
		"eyJ1c2VyX2lkIjo3LCJ1c2VybmFtZSI6IlpvXHUwMGViIFx1ZDgzZFx1ZGUwMCBcInFcIlxcLyBcdTAwN2ZcdTAwMDFcYlxmXG5cclx0XHUyMDI4Iiwi" +
		"ZXhwIjoxNzAwMDAwMDAwLCJvayI6dHJ1ZSwibm9uZSI6bnVsbCwiYXVkIjpbImEiLCJiIl0sIm5lZyI6LTF9." +
		"lNglUu4GLwdu1U7ubhA_7H0tIduufZLzgti3vmQnyXg"
	got, err := Sign(HMACKey(HS256, "ignored", testSecret), claims...)
	if err != nil || got != want {
		t.Errorf("Sign = %s, %v, want %s", got, err, want)
	}
	u, err := Parse(got)
	if err != nil || u.payload != wantPayload {
		t.Errorf("payload = %s, %v, want %s", u.payload, err, wantPayload)
	}
}

func TestHeadersAreExact(t *testing.T) {
	ec, err := NewSigningKey(ES256, "k1")
	if err != nil {
		t.Fatal(err)
	}
	hs := HMACKey(HS256, "k\"2", testSecret)
	hs512 := HMACKey(HS512, "", testSecret)
	for _, tt := range []struct {
		name string
		sign func(*Key, ...Claim) (string, error)
		key  *Key
		want string
		kid  string
	}{
		{"a contract token", Sign, hs, `{"typ":"JWT","alg":"HS256"}`, ""},
		{"a contract token with another hash", Sign, hs512, `{"typ":"JWT","alg":"HS512"}`, ""},
		{"a contract token with ES256", Sign, ec, `{"typ":"JWT","alg":"ES256"}`, ""},
		{"a token of our own API", SignWithID, ec, `{"typ":"JWT","alg":"ES256","kid":"k1"}`, "k1"},
		{"a kid with a quote", SignWithID, hs, `{"typ":"JWT","alg":"HS256","kid":"k\"2"}`, `k"2`},
	} {
		raw, err := tt.sign(tt.key)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		head, _, _ := strings.Cut(raw, ".")
		if got, _ := decodePart(head); got != tt.want {
			t.Errorf("%s: header %s, want %s", tt.name, got, tt.want)
		}
		if u, err := Parse(raw); err != nil || u.Kid() != tt.kid || u.Alg() != tt.key.Alg().String() {
			t.Errorf("%s: Parse(%s) = %+v, %v", tt.name, raw, u, err)
		}
	}
}

func TestTokensThatMayNotBeAreNotMade(t *testing.T) {
	hs := HMACKey(HS256, "", testSecret)
	for _, tt := range []struct {
		name   string
		key    *Key
		claims []Claim
	}{
		{"a name twice", hs, []Claim{{"a", 1}, {"a", 2}}},
		{"text that is no UTF-8", hs, []Claim{{"a", "\xff"}}},
		{"a name that is no UTF-8", hs, []Claim{{"\xff", 1}}},
		{"a list with text that is no UTF-8", hs, []Claim{{"a", []string{"\xff"}}}},
		{"a float", hs, []Claim{{"a", 1.5}}},
		{"JSON that is none", hs, []Claim{{"a", json.RawMessage(`{"a":1,"a":2}`)}}},
		{"no JSON", hs, []Claim{{"a", json.RawMessage(nil)}}},
		{"JSON and more", hs, []Claim{{"a", json.RawMessage(`1,"b":2`)}}},
		{"more than MaxLen", hs, []Claim{{"a", strings.Repeat("x", MaxLen)}}},
		{"no key", nil, nil},
		{"an empty secret", HMACKey(HS256, "", nil), nil},
		{"a public key", mustParsePEM(t, RS256, rsaPEM().public), nil},
	} {
		if raw, err := Sign(tt.key, tt.claims...); err == nil || raw != "" {
			t.Errorf("%s: Sign = %q, %v, want an error", tt.name, raw, err)
		}
	}
}

// RFC 7515 appendix A.1: a header and payload with line ends, which are kept.
func TestTheExampleOfTheRFCIsRead(t *testing.T) {
	const raw = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" +
		".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
		".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	k, err := ParseJWK([]byte(`{"kty":"oct","alg":"HS256",
		"k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`))
	if err != nil {
		t.Fatal(err)
	}
	u, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	c, err := u.Verify(k)
	if err != nil {
		t.Fatal(err)
	}
	iss, _ := c.Text("iss")
	exp, _ := c.Time("exp")
	root, _ := c.Bool("http://example.com/is_root")
	if iss != "joe" || exp != 1300819380 || !root {
		t.Errorf("claims: iss %q, exp %d, is_root %v", iss, exp, root)
	}
	if err := c.Check(now, Validity{}); !errors.Is(err, ErrExpired) {
		t.Errorf("Check = %v, want %v", err, ErrExpired)
	}
}

// golang-jwt reads what we sign, and we read what it signs, with every algorithm.
func TestAnotherImplementationAgrees(t *testing.T) {
	for _, k := range signingKeys(t) {
		ours, err := SignWithID(k, Claim{"user_id", 7}, Claim{"name", "Zoë 😀"}, Claim{"exp", now.Unix() + 1}, Claim{"a", []string{"b"}})
		if err != nil {
			t.Fatalf("%v: %v", k, err)
		}
		private, public := oracleKeys(k)
		parser := jwt.NewParser(jwt.WithValidMethods([]string{k.Alg().String()}), jwt.WithoutClaimsValidation())
		theirClaims := jwt.MapClaims{}
		if _, err := parser.ParseWithClaims(ours, theirClaims, func(*jwt.Token) (any, error) { return public, nil }); err != nil {
			t.Errorf("%v: golang-jwt refuses %s: %v", k, ours, err)
		}
		want := jwt.MapClaims{"user_id": 7.0, "name": "Zoë 😀", "exp": float64(now.Unix() + 1), "a": []any{"b"}}
		if diff := cmp.Diff(want, theirClaims); diff != "" {
			t.Errorf("%v: claims read by golang-jwt (-want +got):\n%s", k, diff)
		}

		theirs, err := jwt.NewWithClaims(jwt.GetSigningMethod(k.Alg().String()), want).SignedString(private)
		if err != nil {
			t.Fatalf("%v: %v", k, err)
		}
		u, err := Parse(theirs)
		if err != nil {
			t.Fatalf("%v: Parse(%s): %v", k, theirs, err)
		}
		c, err := u.Verify(k)
		if name, _ := c.Text("name"); err != nil || name != "Zoë 😀" {
			t.Errorf("%v: Verify(%s) = name %q, %v", k, theirs, name, err)
		}
	}
}

// A key verifies its own tokens and no other key's.
func TestEveryKeyVerifiesItsOwnTokensOnly(t *testing.T) {
	keys := signingKeys(t)
	for _, signer := range keys {
		raw, err := Sign(signer, Claim{"a", 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, verifier := range keys {
			if got, want := judge(raw, verifier) == nil, verifier == signer; got != want {
				t.Errorf("token of %v under %v: accepted = %v, want %v", signer, verifier, got, want)
			}
		}
	}
}

// signingKeys gives one key for each algorithm, the RSA ones of the same pair.
func signingKeys(t *testing.T) []*Key {
	t.Helper()
	var keys []*Key
	for _, alg := range []Alg{HS256, HS384, HS512} {
		keys = append(keys, HMACKey(alg, "hs", testSecret))
	}
	for _, alg := range []Alg{RS256, RS384, RS512} {
		keys = append(keys, mustParsePEM(t, alg, rsaPEM().private))
	}
	for _, alg := range []Alg{ES256, EdDSA} {
		k, err := NewSigningKey(alg, "")
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

func oracleKeys(k *Key) (private, public any) {
	if k.private == nil {
		return k.secret.Bytes(), k.secret.Bytes()
	}
	return k.private(), k.public()
}

func TestNamesOfAlgorithmsAreTheirOwn(t *testing.T) {
	seen := map[string]Alg{}
	for alg := HS256; alg <= EdDSA; alg++ {
		got, ok := ParseAlg(alg.String())
		if !ok || got != alg {
			t.Errorf("ParseAlg(%q) = %v, %v, want %v", alg.String(), got, ok, alg)
		}
		seen[alg.String()] = alg
	}
	if len(seen) != int(EdDSA) {
		t.Errorf("names: %v", maps.Keys(seen))
	}
	for _, name := range []string{"", "none", "no algorithm", "hs256", "HS256 ", "PS256", "ES384", "ES256K"} {
		if alg, ok := ParseAlg(name); ok {
			t.Errorf("ParseAlg(%q) = %v, want none", name, alg)
		}
	}
	if got := Alg(200).String(); got != "no algorithm" {
		t.Errorf("Alg(200) = %q", got)
	}
}
