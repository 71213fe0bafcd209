package accounttest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

func (w *world) renew(t testing.TB, p *account.Policy, raw string) account.Grant {
	t.Helper()
	g, err := w.Renew(ctx, p, raw)
	if err != nil {
		t.Fatalf("renew: %v", err)
	}
	return g
}

func claim(t testing.TB, raw, name string) int64 {
	t.Helper()
	parsed, err := token.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	v, state := parsed.Claims().Int(name)
	if state != token.Present {
		t.Fatalf("the claim %s is %v", name, state)
	}
	return v
}

func TestRenew(t *testing.T) {
	t.Parallel()
	for _, policy := range []func() *account.Policy{perUser, shared} {
		w := open(t, ownModel())
		u := w.add(t, "ann@example.com", nil)
		p := policy()
		g := w.signIn(t, p, u.Email)
		first := w.clock.now().Unix()
		for range 4 { // the window is as long as four access lives
			if got := claim(t, g.Access, "orig_iat"); got != first {
				t.Errorf("orig_iat is %d, want the %d of the sign-in", got, first)
			}
			if got, want := claim(t, g.Access, "exp"), w.clock.now().Add(p.Tokens.Access).Unix(); got != want || g.Expires.Unix() != want {
				t.Errorf("exp is %d, told %d, want %d", got, g.Expires.Unix(), want)
			}
			w.clock.advance(p.Tokens.Access - time.Second)
			g = w.renew(t, p, g.Access)
		}
	}
}

func TestRenewWindow(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := perUser()
	p.Tokens.Access = 2 * time.Hour // longer than the window
	for _, tt := range []struct {
		name  string
		after time.Duration
		want  account.Code
	}{
		{"at once", 0, ""},
		{"in the last second of the window", time.Hour, ""},
		{"at the end of the last second", time.Hour + 321*time.Millisecond, ""},
		{"a second late", time.Hour + time.Second, account.RefreshExpired},
		{"in the token's last second", 2*time.Hour - time.Second, account.RefreshExpired},
		{"when the token is dead", 2 * time.Hour, account.TokenExpired},
	} {
		start := w.clock.now()
		g := w.signIn(t, p, u.Email)
		w.clock.advance(tt.after)
		_, err := w.Renew(ctx, p, g.Access)
		wantCode(t, tt.name, err, tt.want)
		w.clock.advance(start.Sub(w.clock.now()) + time.Minute)
	}
}

func TestNotRefreshable(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := foreign(perUser())
	g := w.signIn(t, p, u.Email)
	fixed := foreign(perUser())
	fixed.Tokens.Renewable = false
	for _, tt := range []struct {
		name, raw string
		p         *account.Policy
	}{
		{"a mount whose tokens say no beginning", w.signIn(t, once(), u.Email).Access, once()},
		{"a mount that does not renew", g.Access, fixed},
		{"no orig_iat", sign(t, w.key(t, p, &u), with(t, g.Access, "orig_iat", "")...), p},
		{"an orig_iat of 0", sign(t, w.key(t, p, &u), with(t, g.Access, "orig_iat", "0")...), p},
		{"an orig_iat that is text", sign(t, w.key(t, p, &u), with(t, g.Access, "orig_iat", `"1"`)...), p},
	} {
		_, err := w.Renew(ctx, tt.p, tt.raw)
		wantCode(t, tt.name, err, account.NotRefreshable)
	}
	for name, value := range map[string]string{
		"long ago": "1", "before 1970": "-1", "the first second of all": "-9223372036854775808", "the last second of all": "9223372036854775807",
	} {
		_, err := w.Renew(ctx, p, sign(t, w.key(t, p, &u), with(t, g.Access, "orig_iat", value)...))
		wantCode(t, "orig_iat of "+name, err, account.RefreshExpired)
	}
	_, err := w.Renew(ctx, p, "x")
	wantCode(t, "no token", err, account.TokenMalformed)
}

// TestRenewAdopts opens the session of a chain that another program began.
func TestRenewAdopts(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	u := w.add(t, "ann@example.com", nil)
	p := foreign(perUser())
	first := w.clock.now().Unix() - 60
	raw := sign(t, w.key(t, p, &u), token.Claim{Name: "user_id", Value: u.ID}, token.Claim{Name: "username", Value: u.Email},
		token.Claim{Name: "exp", Value: first + 900}, token.Claim{Name: "orig_iat", Value: first})
	a := w.renew(t, p, raw)
	if claim(t, a.Access, "orig_iat") != first || w.who(t, p, raw).Session.ID == 0 {
		t.Errorf("orig_iat %d, session %d of the foreign token, want %d and one", claim(t, a.Access, "orig_iat"), w.who(t, p, raw).Session.ID, first)
	}
	if _, err := w.Renew(ctx, perUser(), raw); err != nil {
		t.Errorf("renew where foreign tokens are refused, once it has a session: %v", err)
	}
	if n := w.count(t, "select count(*) from sessions"); n != 1 {
		t.Errorf("%d sessions of one chain, want 1", n)
	}
	if err := w.SignOut(ctx, p, w.who(t, p, a.Access)); err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{raw, a.Access} {
		if got := w.judge(p, raw); got != account.TokenEnded {
			t.Errorf("after the sign-out: %q, want %q", got, account.TokenEnded)
		}
	}
}

// TestSignOutEndsTheChain and nothing else.
func TestSignOutEndsTheChain(t *testing.T) {
	t.Parallel()
	for _, policy := range []func() *account.Policy{perUser, shared, once} {
		for _, takesForeign := range []bool{false, true} {
			w := open(t, ownModel())
			u := w.add(t, "ann@example.com", nil)
			p := policy()
			p.Tokens.Foreign = takesForeign
			chain, other := w.signIn(t, p, u.Email), w.signIn(t, p, u.Email) // in one second
			if chain.Session.Mark == other.Session.Mark || chain.Access == other.Access {
				t.Errorf("%s: two sign-ins in a second have one mark, %d", p.Mount, chain.Session.Mark)
			}
			raws := []string{chain.Access}
			if p.Tokens.Renewable {
				w.clock.advance(time.Minute)
				raws = append(raws, w.renew(t, p, chain.Access).Access)
			}
			for range 2 { // signing out twice is no error
				who := *w.who(t, p, other.Access)
				who.Session = chain.Session
				if err := w.SignOut(ctx, p, &who); err != nil {
					t.Fatal(err)
				}
			}
			for i, raw := range raws {
				if got := w.judge(p, raw); got != account.TokenEnded {
					t.Errorf("%s: token %d of the chain: %q, want %q", p.Mount, i, got, account.TokenEnded)
				}
				if _, err := w.Renew(ctx, p, raw); code(err) != account.TokenEnded {
					t.Errorf("%s: renew token %d of the chain: %v, want %q", p.Mount, i, err, account.TokenEnded)
				}
			}
			if got := w.judge(p, other.Access); got != "" {
				t.Errorf("%s: the other chain: %q, want none", p.Mount, got)
			}
		}
	}
}

// TestNoTokenOutlivesItsSession lengthens the lives of a mount while a chain is renewed.
func TestNoTokenOutlivesItsSession(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := foreign(perUser())
	g := w.signIn(t, p, u.Email)
	end := w.session(t, g.Session.ID).Expires
	longer := foreign(perUser())
	longer.Tokens.Access, longer.Tokens.Refresh = 40*time.Minute, 100*time.Hour
	for w.judge(longer, g.Access) == "" && w.clock.now().Before(end.Add(-time.Minute)) {
		g = w.renew(t, longer, g.Access)
		w.clock.advance(10 * time.Minute)
	}
	if g.Expires.After(end) || claim(t, g.Access, "exp") > end.Unix() {
		t.Errorf("a token lives until %v, and the session it could be ended by until %v", g.Expires, end)
	}
	v1 := native()
	v1.Tokens.Refresh = time.Minute
	if g := w.signIn(t, v1, u.Email); !g.Expires.Equal(w.clock.now().Add(time.Minute)) {
		t.Errorf("an access token lives for %v, want the session's minute", g.Expires.Sub(w.clock.now()))
	}
}

// TestMarksAhead signs in more often than once a second.
func TestMarksAhead(t *testing.T) {
	t.Parallel()
	const ahead = 300
	for _, p := range []*account.Policy{perUser(), once()} {
		w := open(t, ownModel())
		u := w.add(t, "ann@example.com", nil)
		first := w.signIn(t, p, u.Email).Session.Mark
		mark := func(mark int64) {
			t.Helper()
			w.update(t, func(tx account.Writer) error {
				free, err := tx.InsertSession(ctx, &account.Session{
					ID: mark, UserID: u.ID, Mount: p.Mount, Mark: mark,
					Created: w.clock.now(), Rotated: w.clock.now(), Expires: w.clock.now().Add(time.Hour),
				})
				if err == nil && !free {
					err = fmt.Errorf("mark %d is taken", mark)
				}
				return err
			})
		}
		mark(first + 1000) // of a foreign token, which may name any second
		g := w.signIn(t, p, u.Email)
		if g.Session.Mark != first+1 {
			t.Errorf("%s: the mark is %d ahead, want 1", p.Mount, g.Session.Mark-first)
		}
		w.who(t, p, g.Access)
		mark(first + ahead - 1)
		if g = w.signIn(t, p, u.Email); g.Session.Mark <= first+1 || g.Session.Mark > first+ahead {
			t.Errorf("%s: the mark is %d ahead", p.Mount, g.Session.Mark-first)
		}
		w.update(t, func(tx account.Writer) error {
			for m := first + 1; m <= first+ahead; m++ {
				_, err := tx.InsertSession(ctx, &account.Session{
					ID: m + 5000, UserID: u.ID, Mount: p.Mount, Mark: m,
					Created: w.clock.now(), Rotated: w.clock.now(), Expires: w.clock.now().Add(time.Hour),
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		_, err := w.SignIn(ctx, p, account.Credentials{Login: u.Email, Password: secret})
		if wantCode(t, p.Mount+": sign in 300 ahead", err, account.Busy); account.Refusal(err) != nil && account.Refusal(err).RetryAfter <= 0 {
			t.Errorf("%s: no time to retry after", p.Mount)
		}
		w.clock.advance((ahead + 1) * time.Second)
		w.signIn(t, p, u.Email)
	}
}

// TestSignInsInOneSecond come at once, and each is a session of its own.
func TestSignInsInOneSecond(t *testing.T) {
	t.Parallel()
	const n = 12
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	grants, errs := make(chan account.Grant, n), make(chan error, n)
	for range n {
		go func() {
			g, err := w.SignIn(ctx, perUser(), account.Credentials{Login: u.Email, Password: secret})
			grants <- g
			errs <- err
		}()
	}
	marks := map[int64]bool{}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
		g := <-grants
		if marks[g.Session.Mark] {
			t.Errorf("two sessions have the mark %d", g.Session.Mark)
		}
		marks[g.Session.Mark] = true
		w.who(t, perUser(), g.Access)
	}
}

// TestRenewRaces ends or adopts the chain between the judgement and the renewal.
func TestRenewRaces(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	u := w.add(t, "ann@example.com", nil)
	p := foreign(perUser())
	first := w.clock.now().Unix() - 60
	raw := sign(t, w.key(t, p, &u), token.Claim{Name: "user_id", Value: u.ID}, token.Claim{Name: "username", Value: u.Email},
		token.Claim{Name: "exp", Value: first + 900}, token.Claim{Name: "orig_iat", Value: first})
	who := w.who(t, p, raw)
	w.hook = func(call string) error {
		if call == "Update" {
			w.hook = nil
			return w.SignOut(ctx, p, who)
		}
		return nil
	}
	g, err := w.Renew(ctx, p, raw)
	if err == nil && w.judge(p, g.Access) != account.TokenEnded {
		t.Error("a token that was renewed while its chain was signed out lives")
	}
	if got := w.judge(p, raw); got != account.TokenEnded {
		t.Errorf("the chain: %q, want %q", got, account.TokenEnded)
	}

	later := sign(t, w.key(t, p, &u), with(t, raw, "orig_iat", fmt.Sprint(first+1))...)
	who = w.who(t, p, later)
	w.hook = func(call string) error { // and the other way around
		if call == "Update" {
			w.hook = nil
			_, err := w.Renew(ctx, p, later)
			return err
		}
		return nil
	}
	if err := w.SignOut(ctx, p, who); err != nil {
		t.Fatal(err)
	}
	if got := w.judge(p, later); got != account.TokenEnded {
		t.Errorf("a chain that was adopted while it was signed out: %q, want %q", got, account.TokenEnded)
	}
	w.hook = func(call string) error {
		if call == "InsertSession" {
			return errBroken
		}
		return nil
	}
	_, err = w.Renew(ctx, p, sign(t, w.key(t, p, &u), with(t, raw, "orig_iat", fmt.Sprint(first+2))...))
	if wantCode(t, "renew with a broken store", err, fault); !errors.Is(err, errBroken) {
		t.Errorf("renew with a broken store: %v", err)
	}
}
