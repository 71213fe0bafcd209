package accounttest

import (
	"fmt"
	"testing"

	"doorward/internal/account"
	"doorward/internal/token"
)

// TestAnEndIsRememberedAfterItsCommit lets everything be forgotten, and the token be shown, between what ends its
// session and the commit of that: what the row says then is past as soon as somebody hears of the end.
func TestAnEndIsRememberedAfterItsCommit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		p   *account.Policy
		end func(s *account.Service, p *account.Policy, g *account.Grant) error
	}{
		"signed out": {native(), func(s *account.Service, p *account.Policy, g *account.Grant) error {
			return s.SignOut(ctx, p, &account.Principal{User: g.User, Session: g.Session})
		}},
		"an old refresh token": {native(), func(s *account.Service, p *account.Policy, g *account.Grant) error {
			_, err := s.Refresh(ctx, p, g.Refresh)
			if code(err) == account.TokenEnded {
				return nil
			}
			return fmt.Errorf("used again: %v, want %q", err, account.TokenEnded)
		}},
		"blacklisted": {typed(rotating), func(s *account.Service, p *account.Policy, g *account.Grant) error {
			return s.Blacklist(ctx, p, g.Refresh)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, ownModel())
			s, _ := remember(t, w)
			w.add(t, "ann@example.com", nil)
			g, err := s.SignIn(ctx, tt.p, account.Credentials{Login: "ann@example.com", Password: secret})
			if err != nil {
				t.Fatal(err)
			}
			access := g.Access
			if name == "an old refresh token" {
				next, err := s.Refresh(ctx, tt.p, g.Refresh)
				if err != nil {
					t.Fatal(err)
				}
				w.clock.advance(tt.p.Tokens.Grace)
				access = next.Access
			}
			w.hook = func(call string) error {
				if call != "commit" {
					return nil
				}
				w.hook = nil
				s.Forget()
				recognize(t, s, tt.p, access)
				return nil
			}
			if err := tt.end(s, tt.p, &g); err != nil {
				t.Fatal(err)
			}
			if w.hook != nil {
				t.Fatal("nothing was committed")
			}
			if _, err := s.Recognize(ctx, tt.p, access); code(err) != account.TokenEnded {
				t.Errorf("after the answer: %v, want %q", err, account.TokenEnded)
			}
		})
	}
}

// TestAChainAdoptedTwiceIsOneSession renews a token of another program while somebody else does so: what is
// remembered of either must end with the session that has a row.
func TestAChainAdoptedTwiceIsOneSession(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	s, _ := remember(t, w)
	u := w.add(t, "ann@example.com", nil)
	p := foreign(perUser())
	raw := sign(t, w.key(t, p, &u), token.Claim{Name: "user_id", Value: u.ID}, token.Claim{Name: "username", Value: u.Email},
		token.Claim{Name: "exp", Value: w.clock.now().Unix() + 600}, token.Claim{Name: "orig_iat", Value: w.clock.now().Unix() - 60})
	w.hook = func(call string) error {
		if call != "Update" {
			return nil
		}
		w.hook = nil
		_, err := s.Renew(ctx, p, raw)
		return err
	}
	g, err := s.Renew(ctx, p, raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SignOut(ctx, p, recognize(t, s, p, g.Access)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recognize(ctx, p, g.Access); code(err) != account.TokenEnded {
		t.Errorf("after the sign-out: %v, want %q", err, account.TokenEnded)
	}
}
