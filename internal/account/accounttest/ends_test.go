package accounttest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// TestWhatEndsTokens takes all combinations of what can end a token: none hides another ((c) 72).
func TestWhatEndsTokens(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	for _, p := range []*account.Policy{perUser(), once(), shared(), native()} {
		for mask := range 8 {
			raised, ended, disabled := mask&1 != 0, mask&2 != 0, mask&4 != 0
			u := w.add(t, fmt.Sprintf("%s%d@example.com", p.Mount, mask), nil)
			g := w.signIn(t, p, u.Email)
			w.update(t, func(tx account.Writer) error {
				var errs []error
				if raised {
					_, err := tx.RaiseEpoch(ctx, u.ID, w.clock.now())
					errs = append(errs, err)
				}
				if ended {
					_, err := tx.EndSession(ctx, g.Session.ID, w.clock.now())
					errs = append(errs, err)
				}
				if disabled {
					errs = append(errs, tx.UpdateUser(ctx, &account.User{ID: u.ID}, account.IsActive))
				}
				return errors.Join(errs...)
			})
			want := account.Code("")
			switch {
			case disabled:
				want = account.UserDisabled
			case raised || ended:
				want = account.TokenEnded
			}
			if got := w.judge(p, g.Access); got != want {
				t.Errorf("%s, epoch raised %v, session ended %v, user disabled %v: %q, want %q", p.Mount, raised, ended, disabled, got, want)
			}
			if g.Refresh == "" {
				continue
			}
			if want == account.UserDisabled && (raised || ended) {
				want = account.TokenEnded
			}
			_, err := w.Refresh(ctx, p, g.Refresh)
			wantCode(t, fmt.Sprintf("refresh, epoch raised %v, session ended %v, user disabled %v", raised, ended, disabled), err, want)
		}
	}
}

// TestWhatTheServiceEnds is T3 on one node: what ends tokens has ended them once it answered.
func TestWhatTheServiceEnds(t *testing.T) {
	t.Parallel()
	for _, model := range []*account.Model{ownModel(), spaModel()} {
		for _, tt := range []struct {
			name string
			end  func(w *world, g *account.Grant, p *account.Policy) error
			want map[account.Signing]account.Code
		}{
			{"sign out everywhere", func(w *world, g *account.Grant, p *account.Policy) error {
				return w.SignOutEverywhere(ctx, g.User.ID)
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.TokenEnded, account.Published: account.TokenEnded}},
			{"set the password", func(w *world, g *account.Grant, p *account.Policy) error {
				return w.SetPassword(ctx, p, &g.User, "another horse 9")
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.TokenEnded, account.Published: account.TokenEnded}},
			{"disable", func(w *world, g *account.Grant, p *account.Policy) error {
				return w.SetActive(ctx, g.User.ID, false)
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.UserDisabled, account.Published: account.UserDisabled}},
			{"disable, and let in again", func(w *world, g *account.Grant, p *account.Policy) error {
				return errors.Join(w.SetActive(ctx, g.User.ID, false), w.SetActive(ctx, g.User.ID, true))
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.TokenEnded, account.Published: account.TokenEnded}},
			{"delete", func(w *world, g *account.Grant, p *account.Policy) error {
				return w.Remove(ctx, g.User.ID)
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.TokenNamed, account.Published: account.TokenNamed}},
		} {
			w := open(t, model)
			w.add(t, "ann@example.com", nil)
			others := w.add(t, "bob@example.com", nil)
			for _, p := range []*account.Policy{perUser(), foreign(perUser()), shared(), foreign(shared()), native()} {
				p.Mount += fmt.Sprint(p.Tokens.Foreign)
				g, theirs := w.signIn(t, p, "ann@example.com"), w.signIn(t, p, others.Email)
				w.clock.advance(time.Second)
				if err := tt.end(w, &g, p); err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
				if got, want := w.judge(p, g.Access), tt.want[p.Tokens.Signing]; got != want {
					t.Errorf("%s of %s: %s: %q, want %q", p.Mount, model.Table, tt.name, got, want)
				}
				if got := w.judge(p, theirs.Access); got != "" {
					t.Errorf("%s of %s: %s: the token of another user: %q, want none", p.Mount, model.Table, tt.name, got)
				}
				w.update(t, func(tx account.Writer) error { _, err := tx.DeleteUser(ctx, g.User.ID); return err })
				again := w.add(t, "ann@example.com", nil)
				if got := w.judge(p, g.Access); again.ID == g.User.ID || got == "" {
					t.Errorf("%s: the address has a new owner, %d after %d: %q, want a refusal", p.Mount, again.ID, g.User.ID, got) // (c) 56
				}
			}
		}
	}
}

// TestForeignTokens are well signed and of no session of ours.
func TestForeignTokens(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	u := w.add(t, "ann@example.com", nil)
	now := w.clock.now().Unix()
	claim := func(name string, v any) token.Claim { return token.Claim{Name: name, Value: v} }
	for _, tt := range []struct {
		name   string
		claims []token.Claim
		// What they get per user, shared, and shared after the user signed out everywhere a second ago.
		own, open, after account.Code
	}{
		{"with an end", []token.Claim{claim("exp", now+60)}, "", "", account.TokenEnded},
		{"made now, by its end", []token.Claim{claim("exp", now+900)}, "", "", ""},
		{"made later, by its end", []token.Claim{claim("exp", now+901)}, "", "", account.TokenEnded},
		{"made now", []token.Claim{claim("exp", now+60), claim("iat", now)}, "", "", ""},
		{"made as he signed out", []token.Claim{claim("exp", now+60), claim("iat", now-1)}, "", "", account.TokenEnded},
		{"made later", []token.Claim{claim("exp", now+60), claim("iat", now+1)}, "", "", account.TokenEnded},
		{"made much later", []token.Claim{claim("exp", now+60), claim("iat", int64(1<<63-1))}, "", "", account.TokenEnded},
		{"made long ago", []token.Claim{claim("exp", now+60), claim("iat", int64(-1<<63))}, "", "", account.TokenEnded},
		{"renewed now", []token.Claim{claim("exp", now+900), claim("orig_iat", now-1)}, "", "", account.TokenEnded},
		{"without an end", nil, "", "", account.TokenEnded},
		{"without an end, made now", []token.Claim{claim("iat", now)}, "", "", ""},
		{"that never ends", []token.Claim{claim("exp", int64(1<<63-1))}, "", "", account.TokenEnded},
	} {
		claims := append([]token.Claim{claim("user_id", u.ID), claim("username", u.Email)}, tt.claims...)
		own, common := sign(t, w.key(t, perUser(), &u), claims...), sign(t, w.key(t, shared(), &u), claims...)
		if got := w.judge(foreign(perUser()), own); got != tt.own {
			t.Errorf("per user, %s: %q, want %q", tt.name, got, tt.own)
		}
		if got := w.judge(foreign(shared()), common); got != tt.open {
			t.Errorf("shared, %s: %q, want %q", tt.name, got, tt.open)
		}
		for _, p := range []*account.Policy{perUser(), shared()} {
			want := account.TokenEnded
			if !strings.Contains(fmt.Sprint(tt.claims), "exp") {
				want = account.TokenClaims
			}
			if got := w.judge(p, map[account.Signing]string{account.PerUser: own, account.Shared: common}[p.Tokens.Signing]); got != want {
				t.Errorf("%s, foreign ones refused, %s: %q, want %q", p.Mount, tt.name, got, want)
			}
		}
		signedOut := w.add(t, "", func(o *account.User) { o.Email = strings.ReplaceAll(tt.name, " ", "-") + "@example.com" })
		w.update(t, func(tx account.Writer) error {
			_, err := tx.RaiseEpoch(ctx, signedOut.ID, w.clock.now().Add(-time.Second))
			return err
		})
		claims[0], claims[1] = claim("user_id", signedOut.ID), claim("username", signedOut.Email)
		if got := w.judge(foreign(shared()), sign(t, w.key(t, shared(), &u), claims...)); got != tt.after {
			t.Errorf("shared, signed out, %s: %q, want %q", tt.name, got, tt.after)
		}
	}
}

// TestTokensWithoutTimes are one session, and no other token is of it.
func TestTokensWithoutTimes(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	u := w.add(t, "ann@example.com", nil)
	p := foreign(perUser())
	made := func(more ...token.Claim) string {
		return sign(t, w.key(t, p, &u), append([]token.Claim{{Name: "user_id", Value: u.ID}, {Name: "username", Value: u.Email}}, more...)...)
	}
	bare := made()
	if err := w.SignOut(ctx, p, w.who(t, p, bare)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, raw string
		want      account.Code
	}{
		{"the one that was signed out", bare, account.TokenEnded},
		{"another without times", made(token.Claim{Name: "x", Value: 1}), account.TokenEnded},
		{"one that began a second before 1970", made(token.Claim{Name: "orig_iat", Value: -1}), ""},
		{"one that ends", made(token.Claim{Name: "exp", Value: w.clock.now().Unix() + 60}), ""},
	} {
		if got := w.judge(p, tt.raw); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestTrustName is the one recorded answer in which a token's name goes before its id.
func TestTrustName(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	u, other := w.add(t, "ann@example.com", nil), w.add(t, "bob@example.com", nil)
	disabled := w.add(t, "eve@example.com", func(u *account.User) { u.IsActive = false })
	trusting := foreign(perUser())
	trusting.Tokens.TrustName = true
	for _, tt := range []struct {
		name, email string
		id          int64
		want, never account.Code
		who         int64
	}{
		{"his own name", u.Email, u.ID, "", "", u.ID},
		{"another's name", other.Email, u.ID, "", account.TokenNamed, other.ID},
		{"another's name in another case", "BOB@example.com", u.ID, account.TokenNamed, account.TokenNamed, 0},
		{"a disabled user's name", disabled.Email, u.ID, account.UserDisabled, account.TokenNamed, 0},
		{"nobody's name", "nobody@example.com", u.ID, account.TokenNamed, account.TokenNamed, 0},
		{"no name", "", u.ID, account.TokenUnnamed, account.TokenUnnamed, 0},
	} {
		raw := sign(t, w.key(t, trusting, &u), token.Claim{Name: "user_id", Value: tt.id},
			token.Claim{Name: "username", Value: tt.email}, token.Claim{Name: "exp", Value: w.clock.now().Unix() + 60})
		who, err := w.Authenticate(ctx, trusting, raw)
		wantCode(t, "trusting, "+tt.name, err, tt.want)
		if err == nil && who.User.ID != tt.who {
			t.Errorf("trusting, %s: user %d, want %d", tt.name, who.User.ID, tt.who)
		}
		if got := w.judge(foreign(perUser()), raw); got != tt.never {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.never)
		}
	}
}

// TestAddressThatChangedHands: the tokens of its old owner open nothing.
func TestAddressThatChangedHands(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	for _, p := range []*account.Policy{perUser(), shared()} {
		raw := w.signIn(t, p, u.Email).Access
		w.update(t, func(tx account.Writer) error {
			return tx.UpdateUser(ctx, &account.User{ID: u.ID, Email: "old@example.com"}, account.Email)
		})
		owner := w.add(t, "ann@example.com", nil)
		if got := w.judge(p, raw); got != account.TokenNamed {
			t.Errorf("%s: %q, want %q", p.Mount, got, account.TokenNamed)
		}
		w.update(t, func(tx account.Writer) error {
			_, err := tx.DeleteUser(ctx, owner.ID)
			return errors.Join(err, tx.UpdateUser(ctx, &account.User{ID: u.ID, Email: u.Email}, account.Email))
		})
	}
}

// TestJudgeFaults: a store that fails is no refusal.
func TestJudgeFaults(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	for _, p := range []*account.Policy{perUser(), foreign(perUser()), shared(), native()} {
		raw := w.signIn(t, p, u.Email).Access
		for _, broken := range []string{"View", "User", "Session", "SessionByMark"} {
			hit := false
			w.hook = func(call string) error {
				if call == broken {
					hit = true
					return errBroken
				}
				return nil
			}
			if _, err := w.Authenticate(ctx, p, raw); hit && (code(err) != fault || !errors.Is(err, errBroken)) {
				t.Errorf("%s with a broken %s: %v, want a fault", p.Mount, broken, err)
			}
		}
		w.hook = nil
	}
}
