package token

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// simpleJWT is a token as SimpleJWT makes it.
var simpleJWT = []Claim{
	{"token_type", "access"},
	{"exp", 1800000000},
	{"iat", 1700000000},
	{"jti", "0123456789abcdef0123456789abcdef"},
	{"user_id", 1234567},
}

func BenchmarkSign(b *testing.B) {
	for _, k := range benchKeys(b) {
		b.Run(k.Alg().String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Sign(k, simpleJWT...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, k := range benchKeys(b) {
		raw, err := Sign(k, simpleJWT...)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(k.Alg().String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				u, err := Parse(raw)
				if err != nil {
					b.Fatal(err)
				}
				c, err := u.Verify(k)
				if err != nil || c.Check(now, Validity{RequireExp: true}) != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchKeys(b *testing.B) []*Key {
	keys := []*Key{HMACKey(HS256, "", testSecret)}
	for _, alg := range []Alg{ES256, EdDSA} {
		k, err := NewSigningKey(alg, "")
		if err != nil {
			b.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

func BenchmarkOpenRefresh(b *testing.B) {
	tokens := NewRefreshTokens(fixedKey(1))
	text := tokens.Mint(1<<62, 3)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := tokens.Open(text); !ok {
			b.Fatal("does not open")
		}
	}
}

// junk is what costs most among what is refused without a signature, within MaxLen.
func junk() map[string]string {
	names := func(format string, n int) string {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(format, i))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	wide := names(`"%04d":1`, maxMembers)
	return map[string]string{
		"nothing":          "",
		"dots":             strings.Repeat(".", MaxLen),
		"long":             strings.Repeat("x", 1<<20),
		"alphabet":         strings.Repeat("A", MaxLen),
		"no JSON":          headerTypAlg + "." + strings.Repeat("A", 3900) + ".AAAA",
		"forged":           hs256(nil, `{"typ":"JWT","alg":"HS256"}`, `{"user_id":1,"exp":1800000000}`),
		"forged and long":  hs256(nil, `{"typ":"JWT","alg":"HS256"}`, `{"a":"`+strings.Repeat("x", 2900)+`"}`),
		"forged and wide":  hs256(nil, `{"alg":"HS256","a":`+names(`"%04d":1`, headerNames-2)+`}`, wide),
		"wider":            hs256(nil, `{"alg":"HS256","a":`+names(`"%04d":1`, headerNames-2)+`}`, `[`+wide+`,`+wide+`]`),
		"names in escapes": hs256(nil, `{"typ":"JWT","alg":"HS256"}`, names(`"\u0061%03d":1`, tokenNames)),
		"deep":             hs256(nil, `{"typ":"JWT","alg":"HS256"}`, `{"a":`+strings.Repeat("[", 2900)+`}`),
	}
}

func BenchmarkRefuse(b *testing.B) {
	k := HMACKey(HS256, "", testSecret)
	for name, raw := range junk() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if judge(raw, k) == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// The promise of SECURITY.md L4 is 30 µs of CPU; the bound on time is wide, since machines differ.
func TestRefusingJunkIsCheap(t *testing.T) {
	k := HMACKey(HS256, "", testSecret)
	for name, raw := range junk() {
		limit := 30.0
		if name == "names in escapes" {
			limit += maxMembers // one copy a name
		}
		if got := testing.AllocsPerRun(20, func() { _ = judge(raw, k) }); got > limit {
			t.Errorf("%s: %v allocations, want at most %v", name, got, limit)
		}
		best := time.Hour // of ten: the machine may be busy
		for range 10 {
			start := time.Now()
			_ = judge(raw, k)
			best = min(best, time.Since(start))
		}
		if best > 5*time.Millisecond {
			t.Errorf("%s: %v, want microseconds", name, best)
		}
	}
}

func TestReadingATokenAllocatesLittle(t *testing.T) {
	k := HMACKey(HS256, "", testSecret)
	raw, err := Sign(k, simpleJWT...)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 16
	if got := testing.AllocsPerRun(100, func() {
		if judge(raw, k) != nil {
			t.Fatal("refused")
		}
	}); got > limit {
		t.Errorf("%v allocations, want at most %d", got, limit)
	}
}
