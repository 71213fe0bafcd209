package token

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestKeysSurviveTheirRest(t *testing.T) {
	for _, k := range signingKeys(t) {
		der, err := k.MarshalPrivate()
		if k.Alg() <= HS512 {
			if !errors.Is(err, ErrKey) {
				t.Errorf("%v: MarshalPrivate = %v, want %v", k, err, ErrKey)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%v: %v", k, err)
		}
		again, err := ParsePrivate(k.Alg(), k.ID(), der)
		if err != nil || !again.CanSign() || again.ID() != k.ID() || !bytes.Equal(again.JWK(), k.JWK()) {
			t.Errorf("%v: ParsePrivate = %v, %v", k, again, err)
		}
		public, err := ParseJWK(k.JWK())
		if err != nil || public.CanSign() || public.ID() != k.ID() || public.Alg() != k.Alg() {
			t.Errorf("%v: ParseJWK(%s) = %v, %v", k, k.JWK(), public, err)
		}
		raw, err := Sign(again)
		if err != nil || judge(raw, public) != nil {
			t.Errorf("%v: token of the key at rest, %v, under the published key: %v", k, err, judge(raw, public))
		}
	}
}

func TestThumbprintsAreThoseOfTheRFCs(t *testing.T) {
	for _, tt := range []struct{ name, jwk, want string }{
		{
			"RFC 7638 §3.1", `{"kty":"RSA","alg":"RS256","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}`,
			"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		},
		{
			"RFC 8037 appendix A.3", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		},
	} {
		if k, err := ParseJWK([]byte(tt.jwk)); err != nil || k.ID() != tt.want {
			t.Errorf("%s: ParseJWK = %v, %v, want %s", tt.name, k, err, tt.want)
		}
	}
}

func TestJWKsAreJudgedStrictly(t *testing.T) {
	const x = `"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	const ed = `"kty":"OKP","crv":"Ed25519",` + x
	for _, tt := range []struct {
		name, jwk string
		ok        bool
	}{
		{"nothing but what it needs", `{` + ed + `}`, true},
		{"all it may have", `{` + ed + `,"alg":"EdDSA","use":"sig","key_ops":["verify"],"kid":"a","x5c":["unknown"]}`, true},
		{"use for encryption", `{` + ed + `,"use":"enc"}`, false},
		{"use null", `{` + ed + `,"use":null}`, false},
		{"use in another case", `{` + ed + `,"use":"SIG"}`, false},
		{"key_ops for signing only", `{` + ed + `,"key_ops":["sign"]}`, false},
		{"key_ops for deriving too", `{` + ed + `,"key_ops":["verify","deriveKey"]}`, false},
		{"key_ops as text", `{` + ed + `,"key_ops":"verify"}`, false},
		{"key_ops empty", `{` + ed + `,"key_ops":[]}`, false},
		{"alg of another kind of key", `{` + ed + `,"alg":"ES256"}`, false},
		{"alg null", `{` + ed + `,"alg":null}`, false},
		{"alg none", `{` + ed + `,"alg":"none"}`, false},
		{"kid a number", `{` + ed + `,"kid":1}`, false},
		{"a name twice", `{` + ed + `,"kty":"OKP"}`, false},
		{"its private part", `{` + ed + `,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`, false},
		{"another curve", `{"kty":"OKP","crv":"X25519",` + x + `}`, false},
		{"the curve in another case", `{"kty":"OKP","crv":"ed25519",` + x + `}`, false},
		{"kty and crv that only read alike together", `{"kty":"OK","crv":"PEd25519",` + x + `}`, false},
		{"no x", `{"kty":"OKP","crv":"Ed25519"}`, false},
		{"a short x", `{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`, false},
		{"x with padding", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="}`, false},
		{"x with spare bits", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"}`, false},
		{"no point of the curve", `{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, false},
		{"a coordinate with a zero too many", `{"kty":"EC","crv":"P-256","x":"ANN_NDcYtobPYoV7K0OIsR-7YiOGMBlYR1Zd-q3lqlV6","y":"UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw"}`, false},
		{"a curve that isn't ours", `{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}`, false},
		{"a symmetric key", `{"kty":"oct","alg":"HS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, true},
		{"a symmetric key without alg", `{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, false},
		{"a symmetric key with an asymmetric alg", `{"kty":"oct","alg":"RS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, false},
		{"a short symmetric key", `{"kty":"oct","alg":"HS384","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, false},
		{"no kty", `{"crv":"Ed25519",` + x + `}`, false},
		{"an array", `[{` + ed + `}]`, false},
		{"a long text", `{` + ed + `,"kid":"` + strings.Repeat("k", maxKeysLen) + `"}`, false},
	} {
		k, err := ParseJWK([]byte(tt.jwk))
		if tt.ok && err != nil || !tt.ok && (!errors.Is(err, ErrKey) || k != nil) {
			t.Errorf("%s: ParseJWK(%.300s) = %v, %v, want ok = %v", tt.name, tt.jwk, k, err, tt.ok)
		}
	}
}

func TestRSAKeysAreJudgedStrictly(t *testing.T) {
	sound, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(n, e []byte) []byte {
		return fmt.Appendf(nil, `{"kty":"RSA","n":%q,"e":%q}`, strict64.EncodeToString(n), strict64.EncodeToString(e))
	}
	n, f4 := sound.N.Bytes(), []byte{1, 0, 1}
	for _, tt := range []struct {
		name string
		n, e []byte
		ok   bool
	}{
		{"2048 bits and 65537", n, f4, true},
		{"2047 bits", append([]byte{n[0] >> 1}, n[1:]...), f4, false},
		{"8200 bits", bytes.Repeat([]byte{0xFF}, 1025), f4, false},
		{"a zero too many", append([]byte{0}, n...), f4, false},
		{"exponent 0", n, []byte{0}, false},
		{"exponent 1", n, []byte{1}, false},
		{"exponent 3", n, []byte{3}, false},
		{"exponent 65538", n, []byte{1, 0, 2}, false},
		{"exponent with a zero too many", n, []byte{0, 1, 0, 1}, false},
		{"exponent of 32 bits", n, []byte{0xFF, 0xFF, 0xFF, 0xFF}, false},
		{"exponent of 65 bits", n, []byte{1, 0, 0, 0, 0, 0, 1, 0, 1}, false},
	} {
		if _, err := ParseJWK(jwk(tt.n, tt.e)); (err == nil) != tt.ok {
			t.Errorf("%s: ParseJWK = %v, want ok = %v", tt.name, err, tt.ok)
		}
	}
}

func TestPEMTextsAreJudgedStrictly(t *testing.T) {
	pair := rsaPEM()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		alg  Alg
		text []byte
		ok   bool
	}{
		{"a private key", RS256, pair.private, true},
		{"a public key", RS512, pair.public, true},
		{"a public key and a line end", RS256, append(pair.public, "\n \n"...), true},
		{"an RSA key for ES256", ES256, pair.public, false},
		{"an RSA key for HS256", HS256, pair.public, false},
		{"a key for no algorithm", 0, pair.public, false},
		{"two keys", RS256, append(pair.public, pair.public...), false},
		{"a curve that isn't ours", ES256, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), false},
		{"the label of another kind", RS256, bytes.ReplaceAll(pair.public, []byte("PUBLIC"), []byte("RSA PUBLIC")), false},
		{"a certificate's label", RS256, bytes.ReplaceAll(pair.public, []byte("PUBLIC KEY"), []byte("CERTIFICATE")), false},
		{"a secret", RS256, testSecret, false},
		{"nothing", RS256, nil, false},
	} {
		k, err := ParsePEM(tt.alg, "", tt.text)
		if tt.ok && err != nil || !tt.ok && (!errors.Is(err, ErrKey) || k != nil) {
			t.Errorf("%s: ParsePEM(%v) = %v, %v, want ok = %v", tt.name, tt.alg, k, err, tt.ok)
		}
	}
	if _, err := ParsePEM(RS256, "\xff", pair.public); !errors.Is(err, ErrKey) {
		t.Errorf("ParsePEM with an id that is no UTF-8 = %v, want %v", err, ErrKey)
	}
}

func TestSigningKeysAreMadeForTwoAlgorithms(t *testing.T) {
	for alg := Alg(0); alg <= EdDSA+1; alg++ {
		k, err := NewSigningKey(alg, "")
		if want := alg == ES256 || alg == EdDSA; (err == nil) != want {
			t.Errorf("NewSigningKey(%v) = %v, %v, want ok = %v", alg, k, err, want)
		}
	}
}

func TestKeysNeverPrint(t *testing.T) {
	for _, k := range signingKeys(t) {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", k)
		//lint:ignore SA9005 nothing of it comes out, which is the point
		asJSON, _ := json.Marshal(k)
		text := log.String() + string(asJSON)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			text += fmt.Sprintf(strings.Repeat(verb, 4), k, *k, struct{ k *Key }{k}, struct{ k Key }{*k})
		}
		material := testSecret
		if k.private != nil {
			der, err := k.MarshalPrivate()
			if err != nil {
				t.Fatal(err)
			}
			material = der[len(der)-32:] // the seed of EdDSA, and secret or not of the others
		}
		for _, inner := range []string{fmt.Sprint(material[:8]), fmt.Sprintf("%x", material[:8]), fmt.Sprintf("%#v", material[:8]), string(material)} {
			if inner = strings.Trim(strings.TrimPrefix(inner, "[]byte{"), "[]}"); strings.Contains(text, inner) && k.Alg() != ES256 {
				t.Errorf("%v prints %q: %s", k.Alg(), inner, text)
			}
		}
	}
}

func TestKeySetsRotateWithOverlap(t *testing.T) {
	key := func(id string) *Key {
		k, err := NewSigningKey(ES256, id)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	end := now.Add(time.Hour)
	set, err := NewKeySet([]SetKey{
		{Key: key("next"), State: Next},
		{Key: key("active"), State: Active},
		{Key: key("retired"), State: Retired, Until: end},
		{Key: key("revoked"), State: Revoked},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Active(); got.ID() != "active" {
		t.Errorf("Active = %v", got)
	}
	for _, tt := range []struct {
		name, kid string
		at        time.Time
		found     bool
	}{
		{"the next key verifies", "next", now, true},
		{"the active key verifies", "active", now, true},
		{"a retired key verifies before its end", "retired", end.Add(-1), true},
		{"a retired key doesn't at its end", "retired", end, false},
		{"a revoked key doesn't", "revoked", now, false},
		{"an unknown key doesn't", "other", now, false},
		{"no kid finds nothing", "", now, false},
	} {
		if got := set.Find(tt.kid, tt.at); (got != nil) != tt.found || tt.found && got.ID() != tt.kid {
			t.Errorf("%s: Find(%q) = %v", tt.name, tt.kid, got)
		}
	}
	again, err := ParseJWKS(set.JWKS())
	if err != nil {
		t.Fatalf("ParseJWKS(%s): %v", set.JWKS(), err)
	}
	for kid, want := range map[string]bool{"next": true, "active": true, "retired": true, "revoked": false} {
		if got := again.Find(kid, now); (got != nil) != want {
			t.Errorf("published set: Find(%q) = %v, want found = %v", kid, got, want)
		}
	}
	if again.Active() != nil || bytes.Contains(set.JWKS(), []byte(`"d"`)) {
		t.Errorf("published set signs: %s", set.JWKS())
	}
}

func TestKeySetsThatMayNotBeAreRefused(t *testing.T) {
	keys := signingKeys(t)
	hs, ec, ed := keys[0], keys[6], keys[7]
	public, err := ParseJWK(ec.JWK())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		keys []SetKey
		ok   bool
	}{
		{"no keys", nil, true},
		{"no active key", []SetKey{{Key: ec, State: Next}}, true},
		{"two kinds of asymmetric keys", []SetKey{{Key: ec, State: Next}, {Key: ed, State: Active}}, true},
		{"symmetric keys", []SetKey{{Key: hs, State: Active}}, true},
		{"two active keys", []SetKey{{Key: ec, State: Active}, {Key: ed, State: Active}}, false},
		{"an active key that cannot sign", []SetKey{{Key: public, State: Active}}, false},
		{"one id twice", []SetKey{{Key: ec, State: Next}, {Key: public, State: Revoked}}, false},
		{"a key without id", []SetKey{{Key: HMACKey(HS256, "", testSecret), State: Next}}, false},
		{"no key", []SetKey{{State: Next}}, false},
		{"a key without state", []SetKey{{Key: ec}}, false},
		{"a symmetric key beside another", []SetKey{{Key: ec, State: Next}, {Key: hs, State: Next}}, false},
	} {
		set, err := NewKeySet(tt.keys)
		if tt.ok && err != nil || !tt.ok && !errors.Is(err, ErrKeySet) {
			t.Errorf("%s: NewKeySet = %v, want ok = %v", tt.name, err, tt.ok)
		}
		if err == nil && tt.name == "symmetric keys" && string(set.JWKS()) != `{"keys":[]}` {
			t.Errorf("%s: JWKS = %s", tt.name, set.JWKS())
		}
	}
}

func TestForeignKeySetsAreReadAsFarAsTheyServe(t *testing.T) {
	const good = `{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	for _, tt := range []struct {
		name, set string
		ok, found bool
	}{
		{"a key", `{"keys":[` + good + `],"more":1}`, true, true},
		{"a key among unknown ones", `{"keys":[{"kty":"new"},null,7,` + good + `,{"kty":"RSA","use":"enc","kid":"b"}]}`, true, true},
		{"no key", `{"keys":[]}`, true, false},
		{"one kid twice", `{"keys":[` + good + "," + good + `]}`, false, false},
		{"one kid twice, once on a key that doesn't serve", `{"keys":[` + good + `,{"kty":"new","kid":"a"}]}`, false, false},
		{"a name twice anywhere", `{"keys":[` + good + `,{"kty":"new","kty":"new"}]}`, false, false},
		{"keys twice", `{"keys":[],"keys":[` + good + `]}`, false, false},
		{"no keys", `{}`, false, false},
		{"keys an object", `{"keys":` + good + `}`, false, false},
		{"a key and no set", good, false, false},
		{"a long text", `{"keys":[` + good + `]}` + strings.Repeat(" ", maxKeysLen), false, false},
	} {
		set, err := ParseJWKS([]byte(tt.set))
		if tt.ok && err != nil || !tt.ok && !errors.Is(err, ErrKeySet) {
			t.Errorf("%s: ParseJWKS(%.200s) = %v, want ok = %v", tt.name, tt.set, err, tt.ok)
			continue
		}
		if err == nil && (set.Find("a", now) != nil) != tt.found {
			t.Errorf("%s: Find(a) = %v, want found = %v", tt.name, set.Find("a", now), tt.found)
		}
	}
}
