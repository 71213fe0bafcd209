package accounttest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// browse signs a browser in that showed old before.
func (w *world) browse(t testing.TB, u *account.User, old string) string {
	t.Helper()
	opaque, text, err := w.SignInBrowser(ctx, native(), account.Credentials{Login: u.Email, Password: secret}, old)
	if err != nil || opaque == "" || text == "" {
		t.Fatalf("sign a browser in: %q, %q, %v", opaque, text, err)
	}
	return text
}

func TestWhatEndsABrowsersSession(t *testing.T) {
	t.Parallel()
	signsOut := native()
	signsOut.Changes.SignOut = true
	keeps := native()
	keeps.KeepTokens, keeps.Changes.SignOut = true, true
	for _, tt := range []struct {
		name string
		end  func(w *world, who *account.Principal, text string) error
		// What becomes of the session that did it, and of another one of the same user.
		want, other account.Code
	}{
		{"nothing", func(*world, *account.Principal, string) error { return nil }, "", ""},
		{"his sign-out", func(w *world, who *account.Principal, text string) error {
			return w.SignOutBrowser(ctx, native(), who, text)
		}, account.TokenEnded, ""},
		{"his sign-out where tokens are kept", func(w *world, who *account.Principal, text string) error {
			return w.SignOutBrowser(ctx, keeps, who, text)
		}, account.TokenEnded, ""},
		{"his sign-out with junk beside", func(w *world, who *account.Principal, _ string) error {
			return w.SignOutBrowser(ctx, keeps, who, "dwr_junk")
		}, "", ""},
		{"a sign-out everywhere", func(w *world, who *account.Principal, _ string) error {
			return w.SignOutEverywhere(ctx, who.User.ID)
		}, account.TokenEnded, account.TokenEnded},
		{"being disabled", func(w *world, who *account.Principal, _ string) error {
			return w.SetActive(ctx, who.User.ID, false)
		}, account.TokenEnded, account.TokenEnded},
		{"being disabled by another program", func(w *world, who *account.Principal, _ string) error {
			return w.db.Update(ctx, func(tx account.Writer) error {
				return tx.UpdateUser(ctx, &account.User{ID: who.User.ID}, account.IsActive)
			})
		}, account.UserDisabled, account.UserDisabled},
		{"being deleted", func(w *world, who *account.Principal, _ string) error { return w.Remove(ctx, who.User.ID) }, account.TokenEnded, account.TokenEnded},
		{"his own new password", func(w *world, who *account.Principal, _ string) error {
			return w.ChangePassword(ctx, native(), who, secret, fresh)
		}, "", account.TokenEnded},
		{"his own new password, where that signs out", func(w *world, who *account.Principal, _ string) error {
			return w.ChangePassword(ctx, signsOut, who, secret, fresh)
		}, account.TokenEnded, account.TokenEnded},
		{"his own new password, where that signs out and other tokens are kept", func(w *world, who *account.Principal, _ string) error {
			return w.ChangePassword(ctx, keeps, who, secret, fresh)
		}, account.TokenEnded, ""},
		{"a password by an operator", func(w *world, who *account.Principal, _ string) error {
			return w.SetPassword(ctx, native(), &who.User, fresh)
		}, account.TokenEnded, account.TokenEnded},
		{"two weeks but a second", func(w *world, _ *account.Principal, _ string) error {
			w.clock.advance(14*24*time.Hour - time.Second)
			return nil
		}, "", ""},
		{"two weeks", func(w *world, _ *account.Principal, _ string) error { w.clock.advance(14 * 24 * time.Hour); return nil }, account.TokenExpired, account.TokenExpired},
		{"the sweep of what is over", func(w *world, _ *account.Principal, _ string) error {
			w.clock.advance(14*24*time.Hour + time.Second)
			return w.Sweep(ctx)
		}, account.TokenEnded, account.TokenEnded},
		{"another sign-in in its place", func(w *world, who *account.Principal, text string) error {
			_, _, err := w.SignInBrowser(ctx, native(), account.Credentials{Login: who.User.Email, Password: secret}, text)
			return err
		}, account.TokenEnded, ""},
		{"a wrong password in its place", func(w *world, who *account.Principal, text string) error {
			_, _, err := w.SignInBrowser(ctx, native(), account.Credentials{Login: who.User.Email, Password: "wrong"}, text)
			if !errors.Is(err, account.InvalidCredentials) {
				return errors.New("a wrong password signed in")
			}
			return nil
		}, "", ""},
	} {
		w := open(t, ownModel())
		u := w.add(t, "ann@example.com", nil)
		text, other := w.browse(t, &u, ""), w.browse(t, &u, "")
		who, err := w.AuthenticateBrowser(ctx, native(), text)
		if err == nil {
			err = tt.end(w, who, text)
		}
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if _, err := w.AuthenticateBrowser(ctx, native(), text); code(err) != tt.want {
			t.Errorf("after %s: got %v, want %q", tt.name, err, tt.want)
		}
		if _, err := w.AuthenticateBrowser(ctx, native(), other); code(err) != tt.other {
			t.Errorf("another session after %s: got %v, want %q", tt.name, err, tt.other)
		}
	}
}

// TestABrowsersTextIsOfOneUse: it opens nothing but what it was made for, and nothing else opens that.
func TestABrowsersTextIsOfOneUse(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	text := w.browse(t, &u, "")
	who, err := w.AuthenticateBrowser(ctx, native(), text)
	if err != nil || who.User.ID != u.ID {
		t.Fatalf("got %v, %v, want user %d", who, err, u.ID)
	}
	if again := w.browse(t, &u, text); again == text {
		t.Error("a sign-in took the session over that the browser showed")
	}
	text = w.browse(t, &u, "")
	id := w.sessionOf(t, text)
	g := w.signIn(t, native(), u.Email)
	elsewhere := native()
	elsewhere.Mount = "elsewhere"
	for _, tt := range []struct {
		name, text string
		p          *account.Policy
		want       account.Code
	}{
		{"itself", text, native(), ""},
		{"in another mount", text, elsewhere, account.TokenEnded},
		{"nothing", "", native(), account.TokenForged},
		{"junk", strings.Repeat("a", 63), native(), account.TokenForged},
		{"one letter more", text + "A", native(), account.TokenForged},
		{"a refresh token", g.Refresh, native(), account.TokenForged},
		{"an access token", g.Access, native(), account.TokenForged},
		{"one of another key", token.NewRefreshTokens(token.NewSecret()).Mint(id, 0), native(), account.TokenForged},
		{"one of the refresh tokens' key", token.NewRefreshTokens(token.NewRoot(rootSecret, instance).Key("refresh tokens")).Mint(id, 0), native(), account.TokenForged},
	} {
		if _, err := w.AuthenticateBrowser(ctx, tt.p, tt.text); code(err) != tt.want {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if got := w.refreshCode(native(), text); got != account.TokenForged {
		t.Errorf("as a refresh token: got %q, want %q", got, account.TokenForged)
	}
	if _, err := w.AuthenticateOpaque(ctx, text); code(err) != account.TokenForged {
		t.Errorf("as an opaque token: got %v, want %q", err, account.TokenForged)
	}
	if got := w.judge(native(), text); got == "" {
		t.Error("it is taken for an access token")
	}
	if _, _, err := w.SignInBrowser(ctx, elsewhere, account.Credentials{Login: u.Email, Password: secret}, text); err != nil {
		t.Fatal(err)
	}
	if _, err := w.AuthenticateBrowser(ctx, native(), text); err != nil {
		t.Errorf("a sign-in at another mount ended it: %v", err)
	}
}

// sessionOf is the session that a browser's text names.
func (w *world) sessionOf(t testing.TB, text string) int64 {
	t.Helper()
	who, err := w.AuthenticateBrowser(ctx, native(), text)
	if err != nil {
		t.Fatal(err)
	}
	return who.Session.ID
}
