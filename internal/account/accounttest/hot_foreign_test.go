package accounttest

import (
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// TestLongTokensAreNotRemembered: that a session ended is remembered for as long as our own tokens
// live. A token of another program may live longer, and would come back to life then.
func TestLongTokensAreNotRemembered(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	s, cost := remember(t, w)
	u := w.add(t, "ann@example.com", nil)
	p := foreign(perUser())
	first := w.clock.now().Unix()
	for _, tt := range []struct {
		name string
		life time.Duration
		warm bool
	}{{"as long as ours", p.Tokens.Access, true}, {"a year", 365 * day, false}} {
		first--
		raw := sign(t, w.key(t, p, &u), token.Claim{Name: "user_id", Value: u.ID}, token.Claim{Name: "username", Value: u.Email},
			token.Claim{Name: "exp", Value: w.clock.now().Add(tt.life).Unix()}, token.Claim{Name: "orig_iat", Value: first})
		if _, err := s.Renew(ctx, p, raw); err != nil { // which opens its session
			t.Fatal(err)
		}
		for range 3 {
			recognize(t, s, p, raw)
		}
		if calls := cost(func() { recognize(t, s, p, raw) }); (len(calls) == 0) != tt.warm {
			t.Errorf("%s: it costs %v, want none: %v", tt.name, calls, tt.warm)
		}
		if err := s.SignOut(ctx, p, recognize(t, s, p, raw)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recognize(ctx, p, raw); code(err) != account.TokenEnded {
			t.Errorf("%s: after the sign-out: %v, want %q", tt.name, err, account.TokenEnded)
		}
	}
}
