package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

var testSecret = []byte("secret key of a test")

// rsaPEM is one RSA key for all tests, which takes a while to make.
var rsaPEM = sync.OnceValue(func() (pair struct{ private, public []byte }) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		panic(err)
	}
	pair.private = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	pair.public = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	return pair
})

// hs256 signs any header and payload, well formed or not.
func hs256(secret []byte, header, payload string) string {
	signed := strict64.EncodeToString([]byte(header)) + "." + strict64.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + strict64.EncodeToString(mac.Sum(nil))
}

// judge is the whole way a token goes.
func judge(raw string, k *Key) error {
	u, err := Parse(raw)
	if err != nil {
		return err
	}
	_, err = u.Verify(k)
	return err
}

func mustParsePEM(t *testing.T, alg Alg, text []byte) *Key {
	t.Helper()
	k, err := ParsePEM(alg, "", text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestForgeriesAreRefused(t *testing.T) {
	const payload = `{"user_id":1,"exp":1800000000}`
	key := HMACKey(HS256, "", testSecret)
	public := mustParsePEM(t, RS256, rsaPEM().public)
	ec, err := NewSigningKey(ES256, "")
	if err != nil {
		t.Fatal(err)
	}
	part := func(text string) string { return strict64.EncodeToString([]byte(text)) }
	unsigned := func(header string) string { return part(header) + "." + part(payload) + "." }
	good := hs256(testSecret, `{"alg":"HS256"}`, payload)
	head, body, tag := strings.Split(good, ".")[0], strings.Split(good, ".")[1], strings.Split(good, ".")[2]
	psychic := strict64.EncodeToString(make([]byte, 64))
	for _, tt := range []struct {
		name, raw string
		key       *Key
		want      error
	}{
		{"the token that all others are made from", good, key, nil},
		{"alg none without signature", unsigned(`{"alg":"none"}`), key, ErrAlgorithm},
		{"alg none with a good signature", hs256(testSecret, `{"alg":"none"}`, payload), key, ErrAlgorithm},
		{"alg None", unsigned(`{"alg":"None"}`), key, ErrAlgorithm},
		{"alg nOnE", unsigned(`{"alg":"nOnE"}`), key, ErrAlgorithm},
		{"alg empty", unsigned(`{"alg":""}`), key, ErrAlgorithm},
		{"alg of no key", unsigned(`{"alg":"no algorithm"}`), &Key{}, ErrSignature},
		{"alg in lower case", hs256(testSecret, `{"alg":"hs256"}`, payload), key, ErrAlgorithm},
		{"alg of another hash", hs256(testSecret, `{"alg":"HS384"}`, payload), key, ErrAlgorithm},
		{"alg under another case of its name", hs256(testSecret, `{"ALG":"HS256"}`, payload), key, ErrMalformed},
		{"alg null", hs256(testSecret, `{"alg":null}`, payload), key, ErrMalformed},
		{"alg an array", hs256(testSecret, `{"alg":["HS256"]}`, payload), key, ErrMalformed},
		{"no alg", hs256(testSecret, `{"typ":"JWT"}`, payload), key, ErrMalformed},
		{"no key", good, nil, ErrAlgorithm},
		{"an empty secret", hs256(nil, `{"alg":"HS256"}`, payload), HMACKey(HS256, "", nil), ErrSignature},
		{"another secret", hs256([]byte("x"), `{"alg":"HS256"}`, payload), key, ErrSignature},
		{"an RSA public key taken for a secret, as PEM", hs256(rsaPEM().public, `{"alg":"HS256"}`, payload), public, ErrAlgorithm},
		{"an RSA public key taken for a secret, said to be RS256", hs256(rsaPEM().public, `{"alg":"RS256"}`, payload), public, ErrSignature},
		{"a secret for a token that says RS256", hs256(testSecret, `{"alg":"RS256"}`, payload), key, ErrAlgorithm},
		{"r and s of zero", part(`{"alg":"ES256"}`) + "." + body + "." + psychic, ec, ErrSignature},
		{"an ES256 signature with a zero before s", longES256(t, ec, 32), ec, ErrSignature},
		{"an ES256 signature with a zero before r", longES256(t, ec, 0), ec, ErrSignature},
		{"an ES256 signature with a zero at the end", longES256(t, ec, 64), ec, ErrSignature},
		{"a jwk of its own", hs256([]byte("x"), `{"alg":"HS256","jwk":{"kty":"oct","k":"eA"}}`, payload), key, ErrSignature},
		{"a jku of its own", hs256([]byte("x"), `{"alg":"HS256","jku":"https://example.com/jwks"}`, payload), key, ErrSignature},
		{"an x5c of its own", hs256([]byte("x"), `{"alg":"HS256","x5c":["eA"]}`, payload), key, ErrSignature},
		{"a jwk that is ignored", hs256(testSecret, `{"alg":"HS256","jwk":{"kty":"oct","k":"eA"}}`, payload), key, nil},
		{"crit", hs256(testSecret, `{"alg":"HS256","crit":["exp"],"exp":1}`, payload), key, ErrCritical},
		{"crit empty", hs256(testSecret, `{"alg":"HS256","crit":[]}`, payload), key, ErrCritical},
		{"crit null", hs256(testSecret, `{"alg":"HS256","crit":null}`, payload), key, ErrCritical},
		{"crit with b64", hs256(testSecret, `{"alg":"HS256","crit":["b64"],"b64":false}`, payload), key, ErrCritical},
		{"crit under a forged signature", hs256(nil, `{"alg":"HS256","crit":["exp"]}`, payload), key, ErrCritical},
		{"kid a number", hs256(testSecret, `{"alg":"HS256","kid":7}`, payload), key, ErrMalformed},
		{"kid null", hs256(testSecret, `{"alg":"HS256","kid":null}`, payload), key, ErrMalformed},
		{"alg twice", hs256(testSecret, `{"alg":"none","alg":"HS256"}`, payload), key, ErrMalformed},
		{"alg twice, once in escapes", hs256(testSecret, `{"\u0061lg":"none","alg":"HS256"}`, payload), key, ErrMalformed},
		{"a claim twice", hs256(testSecret, `{"alg":"HS256"}`, `{"user_id":1,"user_id":2}`), key, ErrMalformed},
		{"the last claim twice", hs256(testSecret, `{"alg":"HS256"}`, `{"a":1,"b":{"c":2},"user_id":1,"user_id":2}`), key, ErrMalformed},
		{"a name twice within a claim", hs256(testSecret, `{"alg":"HS256"}`, `{"a":[{"b":1,"b":1}]}`), key, ErrMalformed},
		{"one name at two levels", hs256(testSecret, `{"alg":"HS256"}`, `{"a":{"a":{"a":1},"c":1},"b":[{"a":1},{"a":1}],"c":1}`), key, nil},
		{"names that differ in case", hs256(testSecret, `{"alg":"HS256"}`, `{"exp":1800000000,"EXP":1,"Exp":2}`), key, nil},
		{"PBES2 with a million rounds", unsigned(`{"alg":"PBES2-HS256+A128KW","p2c":1000000}`), key, ErrAlgorithm},
		{"JSON serialization", `{"payload":"` + body + `","signature":"` + tag + `","protected":"` + head + `"}`, key, ErrMalformed},
		{"JSON serialization around the dots", `{"` + head + "." + body + "." + tag + `"}`, key, ErrMalformed},
		{"a signature of another token", hs256(testSecret, `{"alg":"HS256"}`, `{}`)[:0] + head + "." + part(`{"user_id":2}`) + "." + tag, key, ErrSignature},
		{"signature left out", head + "." + body + ".", key, ErrSignature},
		{"signature and dot left out", head + "." + body, key, ErrMalformed},
		{"parts left out", "..", key, ErrMalformed},
		{"four parts", good + ".", key, ErrMalformed},
		{"five parts", head + "." + body + "." + tag + "." + tag + "." + tag, key, ErrMalformed},
		{"nothing but dots", strings.Repeat(".", MaxLen), key, ErrMalformed},
		{"more dots than are read", strings.Repeat(".", 1<<20), key, ErrMalformed},
		{"nothing", "", key, ErrMalformed},
	} {
		if got := judge(tt.raw, tt.key); !errors.Is(got, tt.want) {
			t.Errorf("%s: %.200q = %v, want %v", tt.name, tt.raw, got, tt.want)
		}
	}
}

// longES256 signs a token and puts a zero byte into its signature.
func longES256(t *testing.T, k *Key, at int) string {
	t.Helper()
	raw, err := Sign(k)
	if err != nil {
		t.Fatal(err)
	}
	dot := strings.LastIndexByte(raw, '.')
	signature, err := strict64.DecodeString(raw[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	return raw[:dot+1] + strict64.EncodeToString(slices.Insert(signature, at, 0))
}

func TestATokenHasOneSpelling(t *testing.T) {
	key := HMACKey(HS256, "", testSecret)
	good := hs256(testSecret, `{"alg":"HS256"}`, `{"user_id":12}`)
	if err := judge(good, key); err != nil {
		t.Fatal(err)
	}
	for i := range len(good) {
		for _, insert := range []string{" ", "\n", "\r\n", "\t", "=", "?", "\x00", "é", ".", "+", "/"} {
			if raw := good[:i] + insert + good[i:]; judge(raw, key) == nil {
				t.Errorf("%q inserted at %d: accepted %q", insert, i, raw)
			}
		}
		if judge(good[:i], key) == nil || judge(good[i+1:], key) == nil {
			t.Errorf("cut at %d: accepted", i)
		}
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=" {
			raw := good[:i] + string(c) + good[i+1:]
			if raw != good && judge(raw, key) == nil {
				t.Errorf("%q in place of character %d: accepted %q", c, i, raw)
			}
		}
	}
	for _, tail := range []string{" ", "\n", "=", "A", "\x00"} {
		if judge(good+tail, key) == nil || judge(tail+good, key) == nil {
			t.Errorf("%q around the token: accepted", tail)
		}
	}
}

func TestPayloadsThatAreNoStrictJSONAreRefused(t *testing.T) {
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}" }
	wide := func(n int) string {
		names := make([]string, n)
		for i := range names {
			names[i] = `"` + strings.Repeat("n", i+1)[:1] + string(rune('0'+i/10)) + string(rune('0'+i%10)) + `":1`
		}
		return "{" + strings.Join(names, ",") + "}"
	}
	for _, tt := range []struct {
		name, payload string
		ok            bool
	}{
		{"an empty object", "{}", true},
		{"white space everywhere", " {\t\"a\" :\r\n[ 1 , { } ] , \"b\" : null } \n", true},
		{"every escape", `{"\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00":1}`, true},
		{"every kind of number", `{"a":[0,-0,1.5,-1.5e+10,1E-2,123456789012345678901234567890]}`, true},
		{"as deep as allowed", deep(maxDepth), true},
		{"as many names as allowed", wide(maxMembers), true},
		{"as many names as allowed in all", `{"a":[` + wide(32) + "," + wide(31) + "]}", true},
		{"as deep as allowed in objects", strings.Repeat(`{"a":`, maxDepth) + "1" + strings.Repeat("}", maxDepth), true},
		{"too deep in objects", strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1), false},
		{"too deep", deep(maxDepth + 1), false},
		{"very deep", strings.Repeat(`{"a":`, 500), false},
		{"too many names", wide(maxMembers + 1), false},
		{"too many names in all", `{"a":[` + wide(32) + "," + wide(32) + "]}", false},
		{"nothing", "", false},
		{"white space", "  ", false},
		{"an array", "[]", false},
		{"text", `"a"`, false},
		{"null", "null", false},
		{"two objects", "{}{}", false},
		{"an object and a byte", "{}x", false},
		{"an object and a zero byte", "{}\x00", false},
		{"a byte order mark", "\ufeff{}", false},
		{"half an object", `{"a":1`, false},
		{"half a string", `{"a`, false},
		{"half an escape", `{"a\`, false},
		{"half a \\u", `{"a\u00"}`, false},
		{"a comma too many", `{"a":1,}`, false},
		{"a comma too many in an array", `{"a":[1,]}`, false},
		{"a comma missing", `{"a":1 "b":2}`, false},
		{"a colon missing", `{"a" 1}`, false},
		{"a value missing", `{"a":}`, false},
		{"a name without quotes", `{a:1}`, false},
		{"a name in single quotes", `{'a':1}`, false},
		{"a number as name", `{1:1}`, false},
		{"a comment", `{/**/"a":1}`, false},
		{"a control character in a string", "{\"a\":\"\n\"}", false},
		{"an escape there isn't", `{"a":"\x41"}`, false},
		{"half a surrogate pair", `{"a":"\ud83d"}`, false},
		{"the other half", `{"a":"\ude00"}`, false},
		{"halves the wrong way round", `{"a":"\ude00\ud83d"}`, false},
		{"a half and another escape", `{"a":"\ud83d\u0041"}`, false},
		{"an escape with control characters", "{\"a\":\"\\u\x10\x11\x12\x13\"}", false},
		{"a byte that is no UTF-8", "{\"a\":\"\xff\"}", false},
		{"UTF-8 longer than it has to be", "{\"a\":\"\xc0\xaf\"}", false},
		{"a surrogate as UTF-8", "{\"a\":\"\xed\xa0\x80\"}", false},
		{"NaN", `{"a":NaN}`, false},
		{"infinity", `{"a":Infinity}`, false},
		{"minus infinity", `{"a":-Infinity}`, false},
		{"True", `{"a":True}`, false},
		{"a word too long", `{"a":nulll}`, false},
		{"a number with a leading zero", `{"a":01}`, false},
		{"a number with a plus", `{"a":+1}`, false},
		{"a number without digits", `{"a":-}`, false},
		{"a number without a whole part", `{"a":.5}`, false},
		{"a number without a fraction", `{"a":1.}`, false},
		{"a number without an exponent", `{"a":1e}`, false},
		{"a hexadecimal number", `{"a":0x10}`, false},
		{"a number with an underscore", `{"a":1_0}`, false},
	} {
		raw := hs256(testSecret, `{"alg":"HS256"}`, tt.payload)
		err := judge(raw, HMACKey(HS256, "", testSecret))
		if tt.ok && err != nil || !tt.ok && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %.200q = %v, want ok = %v", tt.name, tt.payload, err, tt.ok)
		}
		if err != nil && tt.payload != "" && strings.Contains(err.Error(), tt.payload) {
			t.Errorf("%s: error shows the token: %v", tt.name, err)
		}
	}
}

func TestATokenIsReadUpToItsLimit(t *testing.T) {
	key := HMACKey(HS256, "", testSecret)
	for fill := 2900; fill < 3100; fill++ {
		raw := hs256(testSecret, `{"alg":"HS256"}`, `{"a":"`+strings.Repeat("x", fill)+`"}`)
		if got, want := judge(raw, key) == nil, len(raw) <= MaxLen; got != want {
			t.Errorf("%d bytes: accepted = %v, want %v", len(raw), got, want)
		}
	}
}
