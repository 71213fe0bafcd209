package accounttest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

func (w *world) refresh(t testing.TB, p *account.Policy, text string) account.Grant {
	t.Helper()
	g, err := w.Refresh(ctx, p, text)
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	return g
}

func (w *world) refreshCode(p *account.Policy, text string) account.Code {
	_, err := w.Refresh(ctx, p, text)
	return code(err)
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	g := w.signIn(t, p, u.Email)
	for range 3 {
		w.clock.advance(time.Hour)
		next := w.refresh(t, p, g.Refresh)
		if next.Refresh == g.Refresh || next.Session.ID != g.Session.ID || next.User.ID != u.ID {
			t.Errorf("the successor is %q of session %d, want another text of session %d", next.Refresh, next.Session.ID, g.Session.ID)
		}
		if want := w.clock.now().Add(p.Tokens.Access); !next.Expires.Equal(want) || claim(t, next.Access, "exp") != want.Unix() {
			t.Errorf("the access token lives until %v, want %v", next.Expires, want)
		}
		w.who(t, p, next.Access)
		g = next
	}
}

func TestRefreshTimes(t *testing.T) {
	t.Parallel()
	p := native()
	for _, tt := range []struct {
		name  string
		after []time.Duration // refresh, and again
		want  account.Code    // of the last one
	}{
		{"before the idle end", []time.Duration{p.Tokens.Idle - time.Microsecond}, ""},
		{"at the idle end", []time.Duration{p.Tokens.Idle}, account.TokenExpired},
		{"idle time begins anew", []time.Duration{p.Tokens.Idle - time.Second, p.Tokens.Idle - time.Microsecond}, ""},
		{"at the idle end of the second", []time.Duration{p.Tokens.Idle - time.Second, p.Tokens.Idle}, account.TokenExpired},
		{"before the end of all", []time.Duration{13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 12*day - time.Microsecond}, ""},
		{"at the end of all", []time.Duration{13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 12 * day}, account.TokenExpired},
	} {
		w := open(t, ownModel())
		text := w.signIn(t, p, w.add(t, "ann@example.com", nil).Email).Refresh
		for i, after := range tt.after {
			w.clock.advance(after)
			g, err := w.Refresh(ctx, p, text)
			if last := i == len(tt.after)-1; last {
				wantCode(t, tt.name, err, tt.want)
			} else if err != nil {
				t.Fatalf("%s: refresh %d: %v", tt.name, i, err)
			}
			text = g.Refresh
		}
	}
}

const day = 24 * time.Hour

func TestRefreshReuse(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	other := w.signIn(t, p, u.Email)
	for _, tt := range []struct {
		name      string
		rotations int
		after     time.Duration
		want      account.Code
	}{
		{"at once", 1, 0, ""},
		{"within the grace", 1, p.Tokens.Grace - time.Microsecond, ""},
		{"at the end of the grace", 1, p.Tokens.Grace, account.TokenEnded},
		{"the last but one within the grace", 2, 0, account.TokenEnded},
		{"an old one", 5, time.Hour, account.TokenEnded},
		{"when the clock was set back", 1, -time.Minute, ""},
	} {
		first := w.signIn(t, p, u.Email)
		last := first
		for range tt.rotations {
			last = w.refresh(t, p, last.Refresh)
		}
		w.clock.advance(tt.after)
		again, err := w.Refresh(ctx, p, first.Refresh)
		wantCode(t, tt.name, err, tt.want)
		if err == nil && again.Refresh != last.Refresh {
			t.Errorf("%s: another successor, want the same", tt.name)
		}
		for what, got := range map[string]account.Code{
			"the access token": w.judge(p, last.Access), "the first access token": w.judge(p, first.Access), "the newest refresh token": w.refreshCode(p, last.Refresh),
		} {
			want := tt.want
			if tt.after == time.Hour && what != "the newest refresh token" {
				want = account.TokenExpired
			}
			if got != want {
				t.Errorf("%s: %s: %q, want %q", tt.name, what, got, want)
			}
		}
		w.clock.advance(-tt.after)
	}
	if !w.log.has("used again") {
		t.Error("nothing is logged of the reuse")
	}
	w.who(t, p, other.Access) // another session of his lives on
	w.refresh(t, p, other.Refresh)
}

func TestRefreshWithoutGrace(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	p.Tokens.Grace = 0
	g := w.signIn(t, p, u.Email)
	w.refresh(t, p, g.Refresh)
	if got := w.refreshCode(p, g.Refresh); got != account.TokenEnded {
		t.Errorf("reuse at once: %q, want %q", got, account.TokenEnded)
	}
}

func TestRefreshRefusals(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	elsewhere := native()
	elsewhere.Mount = "other"
	mint := token.NewRefreshTokens(token.NewRoot(rootSecret, instance).Key("refresh tokens")).Mint
	g := w.signIn(t, p, u.Email)
	for _, tt := range []struct {
		name, text string
		p          *account.Policy
		want       account.Code
	}{
		{"nothing", "", p, account.TokenForged},
		{"a cut one", g.Refresh[:len(g.Refresh)-1], p, account.TokenForged},
		{"a longer one", g.Refresh + "A", p, account.TokenForged},
		{"one of another key", token.NewRefreshTokens(token.NewSecret()).Mint(g.Session.ID, 0), p, account.TokenForged},
		{"a generation from the future", mint(g.Session.ID, 1), p, account.TokenForged},
		{"the last generation of all", mint(g.Session.ID, 1<<32-1), p, account.TokenForged},
		{"no session", mint(0, 0), p, account.TokenEnded},
		{"an unknown session", mint(g.Session.ID^1, 0), p, account.TokenEnded},
		{"another mount", g.Refresh, elsewhere, account.TokenEnded},
		{"a mount with other signing", g.Refresh, perUser(), account.TokenEnded},
		{"a session that is named by its mark", mint(w.signIn(t, perUser(), u.Email).Session.ID, 0), p, account.TokenEnded},
		{"the good one, after all these", g.Refresh, p, ""},
	} {
		if got := w.refreshCode(tt.p, tt.text); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if g = w.signIn(t, p, u.Email); w.SignOut(ctx, p, w.who(t, p, g.Access)) != nil || w.refreshCode(p, g.Refresh) != account.TokenEnded {
		t.Errorf("after the sign-out: %q, want %q", w.refreshCode(p, g.Refresh), account.TokenEnded)
	}
	g = w.signIn(t, p, u.Email)
	if err := w.Remove(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	if got := w.refreshCode(p, g.Refresh); got != account.TokenEnded { // (c) 3
		t.Errorf("of a deleted user: %q, want %q", got, account.TokenEnded)
	}
}

// TestRefreshAtOnce has one successor, whoever wins (S2).
func TestRefreshAtOnce(t *testing.T) {
	t.Parallel()
	const n = 40
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	text := w.signIn(t, p, u.Email).Refresh
	for range 3 {
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen := map[string]int{}
		for range n {
			wg.Go(func() {
				g, err := w.Refresh(ctx, p, text)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("refresh: %v", err)
				}
				seen[g.Refresh]++
			})
		}
		wg.Wait()
		if len(seen) != 1 {
			t.Fatalf("%d successors of one token, want 1", len(seen))
		}
		for next := range seen {
			text = next
		}
	}
}

// TestRefreshRaces changes things between the read of the session and its rotation.
func TestRefreshRaces(t *testing.T) {
	t.Parallel()
	p := native()
	for _, tt := range []struct {
		name   string
		change func(w *world, g *account.Grant) error
	}{
		{"it is signed out", func(w *world, g *account.Grant) error {
			return w.db.Update(ctx, func(tx account.Writer) error { _, err := tx.EndSession(ctx, g.Session.ID, w.clock.now()); return err })
		}},
		{"all is signed out", func(w *world, g *account.Grant) error { return w.SignOutEverywhere(ctx, g.User.ID) }},
		{"the user is disabled", func(w *world, g *account.Grant) error { return w.SetActive(ctx, g.User.ID, false) }},
		{"the user is deleted", func(w *world, g *account.Grant) error { return w.Remove(ctx, g.User.ID) }},
	} {
		w := open(t, ownModel())
		g := w.signIn(t, p, w.add(t, "ann@example.com", nil).Email)
		w.hook = func(call string) error {
			if call != "Rotate" {
				return nil
			}
			w.hook = nil
			return tt.change(w, &g)
		}
		next, err := w.Refresh(ctx, p, g.Refresh)
		if err == nil {
			if got := w.judge(p, next.Access); got == "" {
				t.Errorf("%s: the access token lives", tt.name)
			}
			if got := w.refreshCode(p, next.Refresh); got != account.TokenEnded {
				t.Errorf("%s: the refresh token: %q, want %q", tt.name, got, account.TokenEnded)
			}
		} else {
			wantCode(t, tt.name, err, account.TokenEnded)
		}
	}
}

// TestRefreshFaults: what fails between the read and the rotation is a fault, and the token is still good.
func TestRefreshFaults(t *testing.T) {
	t.Parallel()
	p := native()
	for _, broken := range []string{"View", "SessionUser", "Rotate"} {
		w := open(t, ownModel())
		g := w.signIn(t, p, w.add(t, "ann@example.com", nil).Email)
		w.hook = func(call string) error {
			if call == broken {
				return errBroken
			}
			return nil
		}
		got, err := w.Refresh(ctx, p, g.Refresh)
		if code(err) != fault || !errors.Is(err, errBroken) || got.Access != "" || got.Refresh != "" {
			t.Errorf("broken %s: %v, want a fault and no token", broken, err)
		}
		w.hook = nil
		w.refresh(t, p, g.Refresh)
	}
	w := open(t, ownModel())
	g := w.signIn(t, p, w.add(t, "ann@example.com", nil).Email)
	w.refresh(t, p, g.Refresh)
	w.clock.advance(time.Hour)
	w.hook = func(call string) error {
		if call == "EndSessionUntil" {
			return errBroken
		}
		return nil
	}
	_, err := w.Refresh(ctx, p, g.Refresh)
	wantCode(t, "a reuse that cannot be answered by an end", err, fault)
}
