package token

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	key := HMACKey(HS256, "k", testSecret)
	good := hs256(testSecret, `{"typ":"JWT","alg":"HS256"}`, `{"user_id":1,"exp":1800000000.5,"aud":["a"],"n":{"a":null}}`)
	for _, seed := range []string{
		good, good[:40], "..", "", "a.b.c", good + ".", hs256(nil, `{"alg":"none","kid":"é"}`, "{}"),
		hs256(testSecret, `{"alg":"HS256","crit":[]}`, `{"a":"\ud83d\ude00"}`),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := Parse(raw)
		if err != nil {
			if u != nil || err.Error() == "" {
				t.Errorf("Parse(%q) = %v, %v", raw, u, err)
			}
			return
		}
		if len(raw) > MaxLen || strings.Count(raw, ".") != 2 {
			t.Errorf("Parse(%q) is not refused", raw)
		}
		claims, err := u.Verify(key)
		if err == nil {
			mac := strict64.EncodeToString(key.mac([]byte(raw[:strings.LastIndexByte(raw, '.')])))
			if raw[strings.LastIndexByte(raw, '.')+1:] != mac {
				t.Errorf("Verify(%q) is not refused", raw)
			}
		}
		_ = claims.Check(now, Validity{RequireExp: true, CheckIssuedAt: true, Audience: []string{"a"}, Issuer: "b"})
		agreeWithEncodingJSON(t, u.payload, u.Claims())
	})
}

// FuzzJSON holds the reader to encoding/json: what it accepts is JSON and says the same.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{}`, ` { "a" : [ 1 , -0.5e+3 , "\ud83d\ude00\n" ] } `, `{"a":{"b":{"b":true}},"A":null}`, `{"a":1,"\u0061":2}`, "{\"\xff\":1}", `{"a":[]}{`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members, err := readObject(text, tokenNames)
		if err != nil {
			return
		}
		c := Claims{members}
		agreeWithEncodingJSON(t, text, c)
		var claims []Claim
		for _, name := range c.Names() {
			raw, _ := c.Raw(name)
			claims = append(claims, Claim{name, raw})
		}
		again, err := appendObject(nil, claims)
		if err != nil {
			t.Fatalf("%q is read, and not written: %v", text, err)
		}
		if !reflect.DeepEqual(decode(t, text), decode(t, string(again))) {
			t.Errorf("%q is written as %q", text, again)
		}
	})
}

func agreeWithEncodingJSON(t *testing.T, text string, c Claims) {
	t.Helper()
	want := decode(t, text)
	if len(want) != len(c.Names()) {
		t.Errorf("%q has %q, want %v", text, c.Names(), want)
	}
	for name, value := range want {
		raw, state := c.Raw(name)
		if state == Absent || !json.Valid(raw) {
			t.Errorf("%q: %q is %v (%q)", text, name, state, raw)
		}
		got, state := c.Text(name)
		if s, isText := value.(string); isText != (state == Present) || s != got {
			t.Errorf("%q: %q is %q (%v), want %v", text, name, got, state, value)
		}
		number, state := c.Int(name)
		if n, isNumber := value.(json.Number); state == Present {
			if i, err := n.Int64(); !isNumber || err != nil || i != number {
				t.Errorf("%q: %q is %d, want %v", text, name, number, value)
			}
		}
		c.Time(name)
		c.Strings(name)
	}
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q is accepted, encoding/json says %v", text, err)
	}
	return v
}

func FuzzJWK(f *testing.F) {
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig"}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY","y":"UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw"}`))
	f.Add([]byte(`{"kty":"oct","alg":"HS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kid":"a"}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQAB","e":"AQAB"}`))
	f.Add([]byte(`{"keys":[{"kty":"oct"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if set, err := ParseJWKS(data); err == nil {
			set.JWKS()
		}
		k, err := ParseJWK(data)
		if err != nil || k.Alg() <= HS512 {
			return
		}
		again, err := ParseJWK(k.JWK())
		if err != nil || again.ID() != k.ID() || again.Alg() != k.Alg() || k.CanSign() {
			t.Errorf("ParseJWK(%q) is written as %s: %v", data, k.JWK(), err)
		}
	})
}

func FuzzRefresh(f *testing.F) {
	tokens := NewRefreshTokens(fixedKey(1))
	sealer := NewSealer(fixedKey(1))
	f.Add(tokens.Mint(1<<62+7, 3))
	f.Add(tokens.Mint(0, 0)[:40])
	f.Add(sealer.Seal(Sealed{Session: 1, Epoch: 2}))
	f.Add("dwr_")
	f.Fuzz(func(t *testing.T, text string) {
		if session, generation, ok := tokens.Open(text); ok && tokens.Mint(session, generation) != text {
			t.Errorf("%q opens and isn't what is minted", text)
		}
		if sealed, ok := sealer.Open(text); ok && sealer.Seal(sealed) != text {
			t.Errorf("%q opens and isn't what is sealed", text)
		}
	})
}
