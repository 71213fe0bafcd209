package accounttest

import (
	"fmt"
	"testing"

	"doorward/internal/account"
	"doorward/internal/password"
)

// typedAbroad takes what a Django beside us signed too.
func typedAbroad() *account.Policy { return foreign(typed(rotating)) }

// openAbroad is signed in, with a refresh token of another program that nobody used yet.
func openAbroad(t *testing.T, w *world) (account.Grant, *account.Policy) {
	p := typedAbroad()
	g, _ := signedIn(p)(t, w)
	g.Refresh = w.strange(t, g.User.ID, "refresh", "jti", fmt.Sprintf(`"%032d"`, g.User.ID))
	return g, p
}

func openSliding(t *testing.T, w *world) (account.Grant, *account.Policy) {
	return signedIn(slidingPolicy())(t, w)
}

func slidingPolicy() *account.Policy {
	return typed(func(d *account.Typed) { d.Issue = account.KindSliding })
}

// telling is a policy whose tokens tell the password, and live on when it changes.
func telling() *account.Policy {
	p := typed(nil)
	p.KeepTokens = true
	p.Tokens.Claims = append(p.Tokens.Claims, account.Claim{Name: "hash_password", Source: account.FromPasswordDigest})
	return p
}

// openOutdated is somebody whose hash is an old one.
func openOutdated(t *testing.T, w *world) (account.Grant, *account.Policy) {
	g, p := signedIn(typed(nil))(t, w)
	old := password.Hash(secret, password.Params{MemoryKiB: 16, Time: 2, Threads: 1})
	w.update(t, func(tx account.Writer) error {
		_, err := tx.SwapPassword(ctx, g.User.ID, secretHash(), old)
		return err
	})
	g.User.Password = old
	return g, p
}

func over(p *account.Policy) func(*testing.T, *world, *account.Grant) {
	return func(t *testing.T, w *world, g *account.Grant) {
		if _, refused := w.exchange(p, g.Refresh); refused != account.TokenEnded {
			t.Errorf("a refresh afterwards: %q, want %q", refused, account.TokenEnded)
		}
	}
}

var typedFailables = []failable{
	{name: "SignIn, typed", open: signedIn(typed(nil)), run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.SignIn(ctx, typed(nil), account.Credentials{Login: g.User.Email, Password: secret}))
	}},
	{name: "SignIn with an outdated hash that tokens tell", open: openOutdated, run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.SignIn(ctx, telling(), account.Credentials{Login: g.User.Email, Password: secret}))
	}, keeps: true}, // the new hash is of the same password
	{name: "Authenticate, typed", open: signedIn(typed(nil)), run: func(w *world, g *account.Grant, _ *account.Principal) error {
		who, err := w.Authenticate(ctx, typed(nil), g.Access)
		if (err == nil) != (who != nil) {
			return fmt.Errorf("who %v, and %v", who, err)
		}
		return err
	}},
	{name: "RefreshToken", open: signedIn(typed(nil)), run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.RefreshToken(ctx, typed(nil), g.Refresh))
	}},
	{name: "RefreshToken, rotating", open: signedIn(typed(rotating)), run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.RefreshToken(ctx, typed(rotating), g.Refresh))
	}},
	// A session that was opened and not rotated is as good as none.
	{name: "RefreshToken of another program", open: openAbroad, run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.RefreshToken(ctx, typedAbroad(), g.Refresh))
	}, keeps: true},
	{name: "VerifyToken", open: signedIn(typed(nil)), run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return w.VerifyToken(ctx, typed(nil), g.Access)
	}},
	{name: "Blacklist", open: signedIn(typed(nil)), run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return w.Blacklist(ctx, typed(nil), g.Refresh)
	}, done: over(typed(nil))},
	{name: "Blacklist of another program's token", open: openAbroad, run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return w.Blacklist(ctx, typedAbroad(), g.Refresh)
	}, done: over(typedAbroad())},
	{name: "SlideToken", open: openSliding, run: func(w *world, g *account.Grant, _ *account.Principal) error {
		text, err := w.SlideToken(ctx, slidingPolicy(), g.Access)
		if (err == nil) != (text != "") {
			return fmt.Errorf("a token: %v, and %v", text != "", err)
		}
		return err
	}},
	{name: "ChangePassword that keeps tokens", open: signedIn(telling()), run: func(w *world, _ *account.Grant, who *account.Principal) error {
		return w.ChangePassword(ctx, telling(), who, secret, fresh)
	}, done: func(t *testing.T, w *world, g *account.Grant) {
		if _, refused := w.exchange(telling(), g.Refresh); refused != "" {
			t.Errorf("a refresh afterwards: %q", refused)
		}
	}},
}
