package accounttest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// notices is a composer that keeps what it is given.
type notices struct{ sent []account.Notice }

func (n *notices) Compose(_ *account.Policy, notice *account.Notice) (account.Message, error) {
	n.sent = append(n.sent, *notice)
	return account.Message{To: notice.User.Email, Text: string(notice.Occasion)}, nil
}

// last is the link of the last notice, which must be of an occasion.
func (n *notices) last(t *testing.T, why account.Occasion, to string) account.Link {
	t.Helper()
	if len(n.sent) == 0 {
		t.Fatalf("nothing was sent, want %s", why)
	}
	got := n.sent[len(n.sent)-1]
	if got.Occasion != why || got.User.Email != to {
		t.Fatalf("sent %s to %s, want %s to %s", got.Occasion, got.User.Email, why, to)
	}
	return account.Link{UID: got.UID, Token: got.Token}
}

// mailing is a service that sends mails.
func (w *world) mailing(t *testing.T, n *notices) *account.Service {
	t.Helper()
	s := account.New(account.Options{
		Store: hooked{w}, Pool: w.pool, Root: token.NewRoot(rootSecret, instance), SecretKey: token.SecretFrom(sharedKey), Now: w.clock.now,
		Composer: n, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err := s.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// flows is a policy with every mail on.
func flows() *account.Policy {
	p := native()
	p.Mail = account.MailPolicy{Activation: true, Confirmation: true, PasswordChanged: true, LoginChanged: true}
	p.Links = account.LinkPolicy{FoldEmail: true, Stamp: true}
	return p
}

func TestALifeByLinks(t *testing.T) {
	t.Parallel()
	w, n, p := open(t, ownModel()), &notices{}, flows()
	s := w.mailing(t, n)
	defer s.Close()
	u, err := s.SignUp(ctx, p, account.NewUser{Email: "ann@example.com", Username: "ann", Password: secret})
	if err != nil || u.IsActive {
		t.Fatalf("signed up: active %v, %v", u.IsActive, err)
	}
	signIn := func(login, text string) error {
		return noGrant(s.SignIn(ctx, p, account.Credentials{Login: login, Password: text}))
	}
	steps := []struct {
		name string
		do   func() error
		want account.Code
	}{
		{"sign in before the activation", func() error { return signIn("ann@example.com", secret) }, account.InvalidCredentials},
		{"another one's link", func() error {
			return s.Activate(ctx, p, account.Link{UID: "OTk5", Token: n.last(t, account.ActivationMail, "ann@example.com").Token})
		}, account.LinkUser},
		{"no link", func() error { return s.Activate(ctx, p, account.Link{UID: "MQ", Token: "x-y"}) }, account.LinkToken},
		{"resend to nobody", func() error { return s.ResendActivation(ctx, p, "eve@example.com") }, account.EmailUnknown},
		{"resend", func() error { return s.ResendActivation(ctx, p, "Ann@EXAMPLE.com") }, ""},
		{"activate", func() error { return s.Activate(ctx, p, n.last(t, account.ActivationMail, "ann@example.com")) }, ""},
		{"sign in", func() error { return signIn("ann@example.com", secret) }, ""},
		{"forgotten", func() error { return s.RequestPasswordReset(ctx, p, "ANN@example.com") }, ""},
		{"a weak password", func() error {
			return s.ResetPassword(ctx, p, nil, n.last(t, account.PasswordResetMail, "ann@example.com"), "short")
		}, account.PasswordShort},
		{"a new password", func() error {
			return s.ResetPassword(ctx, p, nil, n.last(t, account.PasswordResetMail, "ann@example.com"), fresh)
		}, ""},
		{"told of it", func() error { n.last(t, account.PasswordChangedMail, "ann@example.com"); return nil }, ""},
		{"sign in with it", func() error { return signIn("ann@example.com", fresh) }, ""},
		{"another login", func() error { return s.RequestLoginReset(ctx, p, "ann@example.com") }, ""},
		{"an address that is none", func() error {
			return s.ResetLogin(ctx, p, n.last(t, account.LoginResetMail, "ann@example.com"), account.Email, "ann")
		}, account.Invalid},
		{"his own", func() error {
			return s.ResetLogin(ctx, p, n.last(t, account.LoginResetMail, "ann@example.com"), account.Email, "ann@example.com")
		}, account.EmailTaken},
		{"a new address", func() error {
			return s.ResetLogin(ctx, p, n.last(t, account.LoginResetMail, "ann@example.com"), account.Email, "anna@example.com")
		}, ""},
		{"sign in by it", func() error { return signIn("anna@example.com", fresh) }, ""},
		{"an address of nobody", func() error { return s.RequestPasswordReset(ctx, p, "ann@example.com") }, ""},
	}
	for _, step := range steps {
		w.clock.advance(time.Minute)
		if got := code(step.do()); got != step.want {
			t.Fatalf("%s: got %q, want %q", step.name, got, step.want)
		}
	}
	if got := w.count(t, "select count(*) from outbox where user_id = 0"); got != 2 {
		t.Errorf("mails to nobody that wait: got %d, want one a request", got)
	}
	if err := w.RequestPasswordReset(ctx, func() *account.Policy { p.Links.TellUnknown = true; return p }(), "eve@example.com"); code(err) != account.EmailUnknown {
		t.Errorf("where it is told: got %v", err)
	}
}

// TestALinkIsGoodOnceWithinASecond: last_login counts in whole seconds, and a link must not.
func TestALinkIsGoodOnceWithinASecond(t *testing.T) {
	t.Parallel()
	w, n, p := open(t, ownModel()), &notices{}, flows()
	s := w.mailing(t, n)
	defer s.Close()
	w.add(t, "ann@example.com", func(u *account.User) { u.Username, u.LastLogin = "ann", w.clock.now() })
	for range 3 {
		if err := s.RequestLoginReset(ctx, p, "ann@example.com"); err != nil {
			t.Fatal(err)
		}
		link := n.last(t, account.LoginResetMail, "ann@example.com")
		if err := s.ResetLogin(ctx, p, link, account.Username, fmt.Sprint("ann", len(n.sent))); err != nil {
			t.Fatal(err)
		}
		if got := code(s.ResetLogin(ctx, p, link, account.Username, "again")); got != account.LinkToken {
			t.Errorf("used again in the same second: got %q, want %q", got, account.LinkToken)
		}
	}
}

func TestWhoMayCallUpWhom(t *testing.T) {
	t.Parallel()
	w, p := open(t, ownModel()), native()
	ann, bob := w.add(t, "ann@example.com", nil), w.add(t, "bob@example.com", nil)
	boss := w.add(t, "boss@example.com", func(u *account.User) { u.IsStaff = true })
	for _, tt := range []struct {
		name  string
		who   account.User
		reach account.Reach
		id    int64
		want  account.Code
	}{
		{"himself", ann, account.OwnOrStaff, ann.ID, ""},
		{"another", ann, account.OwnOrStaff, bob.ID, account.NotYours},
		{"another, where everybody may", ann, account.Everybody, bob.ID, ""},
		{"staff another", boss, account.OwnOrStaff, bob.ID, ""},
		{"nobody", boss, account.OwnOrStaff, 999, account.NoSuchUser},
	} {
		who := &account.Principal{User: tt.who}
		u, err := w.Person(ctx, who, tt.reach, tt.id)
		if got := code(err); got != tt.want || err == nil && u.ID != tt.id || err != nil && u.ID != 0 {
			t.Errorf("%s calls up %s: got user %d and %q, want %q", tt.who.Email, tt.name, u.ID, got, tt.want)
		}
	}
	for _, tt := range []struct {
		hide bool
		who  *account.Principal
		want int
	}{{true, nil, 0}, {true, &account.Principal{User: ann}, 1}, {true, &account.Principal{User: boss}, 3}, {false, &account.Principal{User: ann}, 3}} {
		p.Changes.HideUsers = tt.hide
		if people, err := w.People(ctx, p, tt.who); err != nil || len(people) != tt.want {
			t.Errorf("people, hidden %v: got %d, %v, want %d", tt.hide, len(people), err, tt.want)
		}
	}
	staff := &account.Principal{User: boss}
	if got := code(w.Expel(ctx, p, staff, bob.ID, "wrong")); got != account.WrongPassword {
		t.Errorf("expel with a wrong password: got %q", got)
	}
	if err := w.Expel(ctx, p, staff, bob.ID, secret); err != nil {
		t.Errorf("expel: %v", err)
	}
	if got := code(w.Expel(ctx, p, staff, bob.ID, secret)); got != account.NoSuchUser {
		t.Errorf("expel again: got %q", got)
	}
}

func TestWhatEndsAnOpaqueToken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(*world, *account.Principal) error
		want account.Code
	}{
		{"nothing", func(*world, *account.Principal) error { return nil }, ""},
		{"his sign-out", func(w *world, who *account.Principal) error { return w.SignOutOpaque(ctx, native(), who) }, account.TokenForged},
		{"a sign-out everywhere", func(w *world, who *account.Principal) error { return w.SignOutEverywhere(ctx, who.User.ID) }, account.TokenEnded},
		{"being disabled", func(w *world, who *account.Principal) error { return w.SetActive(ctx, who.User.ID, false) }, account.TokenEnded},
		{"being deleted", func(w *world, who *account.Principal) error { return w.Remove(ctx, who.User.ID) }, account.TokenForged},
		{"his own new password", func(w *world, who *account.Principal) error {
			return w.ChangePassword(ctx, native(), who, secret, fresh)
		}, ""},
		{"his own new password, where that signs out", func(w *world, who *account.Principal) error {
			p := native()
			p.Changes.SignOut = true
			return w.ChangePassword(ctx, p, who, secret, fresh)
		}, account.TokenForged},
		{"a password by an operator", func(w *world, who *account.Principal) error {
			return w.SetPassword(ctx, native(), &who.User, fresh)
		}, account.TokenEnded},
	} {
		w := open(t, ownModel())
		u := w.add(t, "ann@example.com", nil)
		text, err := w.SignInOpaque(ctx, native(), account.Credentials{Login: u.Email, Password: secret})
		if err != nil {
			t.Fatal(err)
		}
		who, err := w.AuthenticateOpaque(ctx, text)
		if err == nil {
			err = tt.end(w, who)
		}
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if _, err := w.AuthenticateOpaque(ctx, text); code(err) != tt.want {
			t.Errorf("after %s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestATokenOfDjangosIsKept: it is answered again, and rests sealed.
func TestATokenOfDjangosIsKept(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	const theirs = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	if err := w.KeepForeignOpaque(ctx, u.ID, theirs); err != nil {
		t.Fatal(err)
	}
	got, err := w.SignInOpaque(ctx, native(), account.Credentials{Login: u.Email, Password: secret})
	if err != nil || got != theirs {
		t.Errorf("sign in: got %q, %v, want %q", got, err, theirs)
	}
	if n := w.count(t, "select count(*) from opaque_tokens where cast(sealed as text) like '%aaaa%' or cast(hash as text) like '%aaaa%'"); n != 0 {
		t.Error("the token lies in the database in clear")
	}
}

// flowLink is a link that a Django with the same secret key would have sent.
func flowLink(w *world, g *account.Grant) (*account.Policy, account.Link, error) {
	p := native()
	p.Links = account.LinkPolicy{OneKind: true, Stamp: true}
	var u account.User
	err := w.db.View(context.Background(), func(r account.Reader) (err error) {
		u, err = r.User(context.Background(), g.User.ID)
		return err
	})
	of := &token.Linked{ID: u.ID, Password: u.Password, LastLogin: u.LastLogin, Email: u.Email}
	return p, account.Link{UID: token.FormatUID(u.ID), Token: token.NewLinks(token.SecretFrom(sharedKey)).Make(of, w.clock.now())}, err
}

var flowFailables = []failable{
	{name: "Activate", open: func(t *testing.T, w *world) (account.Grant, *account.Policy) {
		return signedIn(native())(t, w)
	}, run: func(w *world, g *account.Grant, _ *account.Principal) error {
		p, link, err := flowLink(w, g)
		if err != nil {
			return err
		}
		if err = w.Activate(ctx, p, link); code(err) == account.LinkStale {
			return nil // he is active
		}
		return err
	}},
	{name: "ResetPassword", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		p, link, err := flowLink(w, g)
		return errors.Join(err, w.ResetPassword(ctx, p, nil, link, fresh))
	}, done: ended},
	{name: "ResetLogin", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		p, link, err := flowLink(w, g)
		return errors.Join(err, w.ResetLogin(ctx, p, link, account.Email, "new"+g.User.Email))
	}},
	{name: "ChangeLogin", run: func(w *world, g *account.Grant, who *account.Principal) error {
		return w.ChangeLogin(ctx, native(), who, account.Email, secret, "new"+g.User.Email)
	}},
	{name: "RequestPasswordReset", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return w.RequestPasswordReset(ctx, native(), g.User.Email)
	}},
	{name: "RequestPasswordReset of nobody", run: func(w *world, _ *account.Grant, _ *account.Principal) error {
		return w.RequestPasswordReset(ctx, native(), "nobody@example.com")
	}},
	{name: "Edit", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		u, err := w.EditPerson(ctx, native(), nil, account.Self, g.User.ID, account.Changes{Texts: map[account.Field]string{account.Email: "new" + g.User.Email}})
		return noGrant(account.Grant{User: u}, err)
	}},
	{name: "Expel", run: func(w *world, g *account.Grant, who *account.Principal) error {
		return w.Expel(ctx, native(), who, g.User.ID, secret)
	}, done: ended},
	{name: "SignInOpaque", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		text, err := w.SignInOpaque(ctx, native(), account.Credentials{Login: g.User.Email, Password: secret})
		if err != nil && text != "" {
			return errors.New("a token came with an error")
		}
		return err
	}},
	{name: "SignOutOpaque", run: func(w *world, _ *account.Grant, who *account.Principal) error {
		return w.SignOutOpaque(ctx, native(), who)
	}, keeps: true, done: ended},
	{name: "SignInBrowser", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		opaque, text, err := w.SignInBrowser(ctx, native(), account.Credentials{Login: g.User.Email, Password: secret}, "")
		if err != nil && (opaque != "" || text != "") {
			return errors.New("a token came with an error")
		}
		return err
	}},
	{name: "SignInBrowser in place of another, and its use", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		_, old, err := w.SignInBrowser(ctx, native(), account.Credentials{Login: g.User.Email, Password: secret}, "")
		if err != nil {
			return err
		}
		_, text, err := w.SignInBrowser(ctx, native(), account.Credentials{Login: g.User.Email, Password: secret}, old)
		if err != nil {
			return err
		}
		_, err = w.AuthenticateBrowser(ctx, native(), text)
		return err
	}, keeps: true},
	{name: "SignOutBrowser", run: func(w *world, _ *account.Grant, who *account.Principal) error {
		return w.SignOutBrowser(ctx, native(), who, "")
	}, keeps: true, done: ended},
}
