package accounttest

import (
	"errors"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/token"
)

// TestJunkAboutARememberedToken shows tokens that say what a remembered one says.
func TestJunkAboutARememberedToken(t *testing.T) {
	for name, p := range map[string]*account.Policy{"per user": perUser(), "shared": shared(), "published": native()} {
		t.Run(name, func(t *testing.T) {
			w := open(t, ownModel())
			s, cost := remember(t, w)
			u := w.add(t, "ann@example.com", nil)
			raw := w.signIn(t, p, u.Email).Access
			recognize(t, s, p, raw)
			recognize(t, s, p, raw)
			dot := strings.LastIndexByte(raw, '.') + 1
			other := "A"
			if raw[dot] == 'A' {
				other = "B"
			}
			for _, tt := range []struct {
				name, raw string
				want      account.Code
			}{
				{"another signature", raw[:dot] + other + raw[dot+1:], account.TokenForged},
				{"no signature", raw[:dot], account.TokenForged},
				{"a longer one", raw + "AAAA", account.TokenForged},
				{"a signature that is no base64", raw[:dot] + "*" + raw[dot+1:], account.TokenMalformed},
				{"a line end, which is no part of a token", raw + "\n", account.TokenMalformed},
				{"a token too long to be read", raw + strings.Repeat("A", token.MaxLen), account.TokenMalformed},
			} {
				var err error
				calls := cost(func() { _, err = s.Recognize(ctx, p, tt.raw) })
				if !errors.Is(err, tt.want) || len(calls) > 0 {
					t.Errorf("%s: got %v with %v, want %s without a statement", tt.name, err, calls, tt.want)
				}
				if _, plain := w.Authenticate(ctx, p, tt.raw); !errors.Is(plain, tt.want) {
					t.Errorf("%s: rows say %v, want %s", tt.name, plain, tt.want)
				}
			}
			recognize(t, s, p, raw)
			if err := s.SignOutEverywhere(ctx, u.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Recognize(ctx, p, raw[:dot]+other+raw[dot+1:]); !errors.Is(err, account.TokenForged) {
				t.Errorf("junk about an ended token: got %v, want %s", err, account.TokenForged)
			}
		})
	}
}

// TestAPublishedTokenHasAnIDOfOurs holds that the id is asked for, signed or not.
func TestAPublishedTokenHasAnIDOfOurs(t *testing.T) {
	w := open(t, ownModel())
	p := native()
	u := w.add(t, "ann@example.com", nil)
	good := w.signIn(t, p, u.Email).Access
	key := w.key(t, p, &u)
	if got := w.judge(p, sign(t, key, with(t, good, "", "")...)); got != "" {
		t.Errorf("the token made again: got %q, want it taken", got)
	}
	id := token.NewIDs(token.NewRoot(token.NewSecret(), instance).Key("token ids")).Mint()
	if got := w.judge(p, sign(t, key, with(t, good, "jti", `"`+id+`"`)...)); got != account.TokenForged {
		t.Errorf("an id of another server: got %q, want %s", got, account.TokenForged)
	}
}

// TestAnotherKeyOfTheSameClaims holds that memory takes for forged only what no key of ours can have signed.
func TestAnotherKeyOfTheSameClaims(t *testing.T) {
	w := open(t, ownModel())
	s, _ := remember(t, w)
	p := shared()
	raw := w.signIn(t, p, w.add(t, "ann@example.com", nil).Email).Access
	before := sign(t, token.HMACKey(token.HS256, "", oldShared), with(t, raw, "", "")...)
	if dot := strings.LastIndexByte(raw, '.'); raw[:dot] != before[:dot] || raw == before {
		t.Fatalf("%s and %s should differ in their signatures", raw, before)
	}
	for range 2 {
		recognize(t, s, p, raw)
		recognize(t, s, p, before)
	}
}
