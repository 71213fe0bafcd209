package account

import (
	"context"
	"errors"
	"fmt"
)

// SignInBy says by what somebody names himself who may give a user name, an address, or both.
type SignInBy uint8

// The ways.
const (
	ByLogin   SignInBy = iota // the address stands for what its owner signs in with, else the name is what people sign in with
	ByName                    // the user name alone
	ByAddress                 // the address alone
	ByEither                  // the address where one is given, else the name, which may be an address, too
)

// EntryPolicy says how a mount lets people in where SignIn is not what it does.
type EntryPolicy struct {
	By SignInBy
	// Opaque gives the user's opaque token; without it what the mount's tokens are.
	Opaque bool
	// Bare gives the session of cookies and nothing else.
	Bare bool
	// Stamp writes last_login. Where a browser's session is opened that is always done.
	Stamp bool
	// FoldNames finds a user name in any case, and takes no other spelling of one that is there, where the table is
	// Django's: see Reader.UsersByUsername.
	FoldNames bool
	// Unlike judges a new user's password without a look at his name and address.
	Unlike bool
	// LogoutKeeps lets a token of the mount's live on when its owner leaves.
	LogoutKeeps bool
}

// Entrance is how somebody names himself, and his password.
type Entrance struct{ Username, Email, Password string }

// name is the text that he is known by, for the work done where there is nobody.
func (e *Entrance) name() string {
	if e.Email != "" {
		return e.Email
	}
	return e.Username
}

// Browser says what becomes of the session of cookies of who asks.
type Browser struct {
	Open  bool
	Shown string // of the session that he shows, good or not; it ends
}

// Entry is what somebody gets who was let in. Token and Browser are "" where there is none.
type Entry struct {
	User    User
	Token   string
	Pair    Grant // of which Token is a part, where the mount's tokens tell their kind
	Browser string
}

// Enter lets somebody in. Unknown, disabled and wrong cost the same and answer the same.
// Codes: InvalidCredentials, EmailUnverified where the password was right, Busy.
func (s *Service) Enter(ctx context.Context, p *Policy, who Entrance, b Browser) (e Entry, err error) {
	checked, match, err := s.proveBy(ctx, Credentials{who.name(), who.Password}, func() (User, error) { return s.byEntrance(ctx, p, &who) })
	if err != nil {
		return Entry{}, err
	}
	if p.Emails.Verify == VerifyFirst && !checked.verified() {
		return Entry{}, fail(EmailUnverified)
	}
	err = s.update(ctx, checked.ID, func(w Writer) error {
		u, err := w.User(ctx, checked.ID)
		if errors.Is(err, ErrNotFound) || err == nil && changedSince(&checked, &u) {
			return fail(InvalidCredentials)
		}
		if err == nil {
			e, err = s.enter(ctx, w, p, &u, b)
		}
		return err
	})
	switch {
	case err != nil && Refusal(err) == nil:
		return Entry{}, fmt.Errorf("let user %d in: %w", checked.ID, err)
	case err != nil:
		return Entry{}, err
	case match.Outdated:
		s.rehash(checked.ID, checked.Password, who.Password)
	}
	return e, nil
}

// enter gives u his token, and opens what the browser is to have.
func (s *Service) enter(ctx context.Context, w Writer, p *Policy, u *User, b Browser) (e Entry, err error) {
	switch {
	case p.Entry.Bare:
	case p.Entry.Opaque:
		e.Token, err = s.giveOpaque(ctx, w, u)
	default:
		e.Pair, err = s.giveTokens(ctx, w, p, u)
		e.Token = e.Pair.Access
	}
	if err == nil && b.Open {
		e.Browser, err = s.openBrowser(ctx, w, p, u, b.Shown)
	}
	if err == nil && (b.Open || p.Entry.Stamp) {
		u.LastLogin = s.now()
		err = w.UpdateUser(ctx, u, LastLogin)
	}
	e.User = *u
	return e, err
}

func (s *Service) giveTokens(ctx context.Context, w Writer, p *Policy, u *User) (Grant, error) {
	if err := loadRights(ctx, w, p, u); err != nil {
		return Grant{}, err
	}
	ses, err := s.openSession(ctx, w, p, u)
	if err != nil {
		return Grant{}, err
	}
	return s.grant(p, u, &ses)
}

// byEntrance finds who names himself. Of several who share an address it is the one with the lowest id.
func (s *Service) byEntrance(ctx context.Context, p *Policy, e *Entrance) (u User, err error) {
	err = ErrNotFound
	if p.Entry.By != ByName {
		u, err = s.byAddress(ctx, e.Email)
	}
	switch given := e.Email != ""; {
	case !errors.Is(err, ErrNotFound), p.Entry.By == ByAddress, p.Entry.By == ByEither && given:
		return u, err
	case p.Entry.By == ByLogin:
		u, err = s.byLogin(ctx, p, e.Username)
	default:
		u, err = s.first(ctx, func(r Reader) ([]User, error) {
			u, err := r.UserByLogin(ctx, Username, e.Username, false)
			return []User{u}, err
		})
	}
	if errors.Is(err, ErrNotFound) && p.Entry.By == ByEither {
		u, err = s.byAddress(ctx, e.Username)
	}
	if errors.Is(err, ErrNotFound) && p.Entry.FoldNames {
		u, err = s.first(ctx, func(r Reader) ([]User, error) { return r.UsersByUsername(ctx, e.Username, 1) })
	}
	if err != nil {
		return User{}, fmt.Errorf("find a user by name: %w", err)
	}
	return u, nil
}

func (s *Service) byAddress(ctx context.Context, email string) (User, error) {
	u, err := s.first(ctx, func(r Reader) ([]User, error) { return r.UsersByEmail(ctx, email, true, 1) })
	if err != nil {
		return User{}, fmt.Errorf("find a user by address: %w", err)
	}
	return u, nil
}

// first is the first user of a list, ErrNotFound where it is empty.
func (s *Service) first(ctx context.Context, list func(Reader) ([]User, error)) (u User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		users, err := list(r)
		switch {
		case err != nil:
			return err
		case len(users) == 0:
			return ErrNotFound
		}
		u = users[0]
		return nil
	})
	return u, err
}

// LeaveBy is Leave, and ends the session of a refresh token. He leaves whatever that is.
// Codes: those of tokens, of the refresh token.
func (s *Service) LeaveBy(ctx context.Context, p *Policy, who *Principal, shown, refresh string) error {
	refused := s.Blacklist(ctx, p, refresh)
	if refused != nil && Refusal(refused) == nil {
		return refused
	}
	if err := s.Leave(ctx, p, who, shown); err != nil {
		return err
	}
	return refused
}

// Leave takes the opaque token of who away, and ends the session that he showed, unless the mount lets it live,
// and that of his browser. who is nil for nobody, of whom only the browser's session can end.
func (s *Service) Leave(ctx context.Context, p *Policy, who *Principal, shown string) error {
	end := func(w Writer) error { return s.endBrowser(ctx, w, p, shown) }
	if who == nil {
		if shown == "" {
			return nil
		}
		if err := s.store.Update(ctx, end); err != nil {
			return fmt.Errorf("end a browser's session: %w", err)
		}
		return nil
	}
	if !p.Entry.LogoutKeeps || who.opaque || who.browser {
		return s.signOutOpaque(ctx, p, who, end)
	}
	kept := *p
	kept.KeepTokens = true // of this call alone
	return s.signOutOpaque(ctx, &kept, who, end)
}
