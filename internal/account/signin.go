package account

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"doorward/internal/password"
	"doorward/internal/token"
)

// Credentials are what somebody signs in with.
type Credentials struct {
	Login    string
	Password string
}

// Grant is what a sign-in or a refresh gives.
type Grant struct {
	User    User
	Session Session
	Access  string
	Expires time.Time // of Access
	Refresh string    // "" where the access token renews itself
	// RefreshExpires is when Refresh does, where tokens tell their kind.
	RefreshExpires time.Time
}

// SignIn opens a session. Unknown, disabled and wrong cost the same and answer the same.
// Codes: InvalidCredentials, Busy.
func (s *Service) SignIn(ctx context.Context, p *Policy, c Credentials) (Grant, error) {
	u, match, err := s.prove(ctx, p, c)
	if err != nil {
		return Grant{}, err
	}
	if match.Outdated && p.Tokens.claim(FromPasswordDigest) != "" {
		if err := s.rehashNow(ctx, &u, c.Password); err != nil {
			return Grant{}, err
		}
		match.Outdated = false
	}
	g, err := s.signIn(ctx, p, &u)
	if err != nil {
		return Grant{}, err
	}
	if match.Outdated {
		s.rehash(u.ID, u.Password, c.Password)
	}
	return g, nil
}

// prove finds the active user whose credentials these are, and fails for all others alike.
func (s *Service) prove(ctx context.Context, p *Policy, c Credentials) (User, password.Match, error) {
	return s.proveBy(ctx, c, func() (User, error) { return s.byLogin(ctx, p, c.Login) })
}

// proveBy is prove where find says who it would be.
func (s *Service) proveBy(ctx context.Context, c Credentials, find func() (User, error)) (User, password.Match, error) {
	if len(c.Password) > password.MaxBytes {
		return User{}, password.Match{}, fail(InvalidCredentials)
	}
	if err := s.pool.Admit(ctx); err != nil { // before anything is read: a storm is not for the database to bear
		return User{}, password.Match{}, busy(err, "sign in")
	}
	start := s.now()
	u, match, err := s.check(ctx, c, find)
	if err == nil && (!match.OK || !u.IsActive) {
		s.hold(ctx, start)
		err = fail(InvalidCredentials)
	}
	return u, match, err
}

// check finds who signs in and checks his password. Where there is nobody, or nothing to check, it
// does the work of checking somebody's, and nothing matches.
func (s *Service) check(ctx context.Context, c Credentials, find func() (User, error)) (User, password.Match, error) {
	u, err := find()
	if err != nil && !errors.Is(err, ErrNotFound) {
		return User{}, password.Match{}, err
	}
	if err == nil && password.Likeness(u.Password) != "" {
		match, err := s.verify(ctx, &u, c.Password)
		return u, match, err
	}
	if err == nil && password.Identify(u.Password) != password.KindUnusable {
		s.log.Warn("a stored password cannot be checked", "user", u.ID)
	}
	if err := s.imitate(ctx, c.Login, c.Password); err != nil {
		return User{}, password.Match{}, busy(err, "hash for an unknown user")
	}
	return User{}, password.Match{}, nil
}

// Identify finds whose credentials these are, and opens nothing. Codes: InvalidCredentials, Busy.
func (s *Service) Identify(ctx context.Context, p *Policy, c Credentials) (*Principal, error) {
	u, _, err := s.prove(ctx, p, c)
	if err != nil {
		return nil, err
	}
	return &Principal{User: u, proved: c.Password}, nil
}

func (s *Service) byLogin(ctx context.Context, p *Policy, login string) (u User, err error) {
	err = s.store.ViewInTurn(ctx, func(r Reader) error {
		if u, err = r.UserByLogin(ctx, p.Login, login, p.FoldLogin); p.Login != Username || s.store.Model().Django || !errors.Is(err, ErrNotFound) {
			return err
		}
		// Who has no user name goes by his address: it is shown in its place, too.
		if u, err = r.UserByLogin(ctx, Email, login, p.FoldLogin); err == nil && u.Username != "" {
			return ErrNotFound
		}
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("find a user by %s: %w", p.Login, err)
	}
	return u, nil
}

// verify checks a password. A stored hash that cannot be checked is a fault of the row, logged
// and answered like a wrong password.
func (s *Service) verify(ctx context.Context, u *User, text string) (password.Match, error) {
	match, err := s.pool.Verify(ctx, u.Password, text)
	if errors.Is(err, password.ErrFormat) || errors.Is(err, password.ErrCost) {
		s.log.Warn("a stored password cannot be checked", "user", u.ID, "error", err)
		return password.Match{}, nil
	}
	if err != nil {
		return password.Match{}, busy(err, fmt.Sprintf("check the password of user %d", u.ID))
	}
	return match, nil
}

// signIn opens a session for the user whose password was right a moment ago, and signs its tokens
// before it is kept: nobody gets half of it.
func (s *Service) signIn(ctx context.Context, p *Policy, checked *User) (g Grant, err error) {
	m := s.moment(p)
	err = s.update(ctx, checked.ID, func(w Writer) error {
		u, err := w.User(ctx, checked.ID)
		if errors.Is(err, ErrNotFound) || err == nil && changedSince(checked, &u) {
			return fail(InvalidCredentials)
		}
		if err != nil {
			return err
		}
		if err := loadRights(ctx, w, p, &u); err != nil {
			return err
		}
		ses, err := s.openSession(ctx, w, p, &u)
		if err != nil {
			return err
		}
		if p.StampLogin {
			u.LastLogin = ses.Created
			if err := w.UpdateUser(ctx, &u, LastLogin); err != nil {
				return err
			}
		}
		g, err = s.grant(p, &u, &ses)
		return err
	})
	if err != nil {
		if Refusal(err) == nil {
			err = fmt.Errorf("sign user %d in: %w", checked.ID, err)
		}
		return Grant{}, err
	}
	if s.hot != nil {
		m.changes[s.hot.shardOf(checked.ID)]++ // this one
	}
	return s.remember(p, &m, g), nil
}

// changedSince reports whether a user was disabled, or got another password, since his was checked.
// A new hash alone is a rehash; a new epoch alone a sign-out, which this sign-in comes after.
func changedSince(checked, u *User) bool {
	return !u.IsActive || u.Password != checked.Password && u.Epoch != checked.Epoch
}

// maxAhead bounds how far the marks of one user may run ahead of the clock, in seconds: so many
// sign-ins beyond one a second.
const maxAhead = 300

// openSession inserts a session for u.
func (s *Service) openSession(ctx context.Context, w Writer, p *Policy, u *User) (Session, error) {
	now := s.now()
	ses := Session{
		ID: newSessionID(), UserID: u.ID, Mount: p.family(), Epoch: u.Epoch,
		Created: now, Rotated: now, Expires: p.Tokens.rowEnd(now, now),
	}
	if p.Tokens.Typed != nil {
		ses.Expires = now.Add(p.Tokens.Typed.span(&p.Tokens))
	}
	if p.Tokens.Rotating || p.Tokens.Typed != nil {
		if _, err := w.InsertSession(ctx, &ses); err != nil {
			return Session{}, fmt.Errorf("open a session for user %d: %w", u.ID, err)
		}
		return ses, nil
	}
	return s.openMarked(ctx, w, p, ses)
}

// openMarked inserts a session that tokens name by a second: the one they were first issued in,
// where they say that, else the one they expire in. A second that is taken gives the one after.
func (s *Service) openMarked(ctx context.Context, w Writer, p *Policy, ses Session) (Session, error) {
	first := p.Tokens.mark(ses.Created)
	latest := first + maxAhead
	for ses.Mark = first; ses.Mark <= latest; {
		ses.Expires = p.Tokens.lastUse(ses.Mark)
		free, err := w.InsertSession(ctx, &ses)
		if err != nil {
			return Session{}, fmt.Errorf("open a session for user %d: %w", ses.UserID, err)
		}
		if free {
			return ses, nil
		}
		last, err := w.LastMark(ctx, ses.UserID, ses.Mount)
		if err != nil {
			return Session{}, fmt.Errorf("find the last session of user %d: %w", ses.UserID, err)
		}
		if last < ses.Mark || last > latest { // a foreign token may name any time
			last = ses.Mark
		}
		ses.Mark = last + 1
	}
	return Session{}, &Error{Problems: []Problem{{Code: Busy}}, RetryAfter: time.Minute}
}

// mark is the second that names a session begun at t in its tokens.
func (t *Tokens) mark(at time.Time) int64 {
	if t.Renewable {
		return at.Unix()
	}
	return at.Add(t.Access).Unix()
}

// lastUse is when the last token that carries mark is dead.
func (t *Tokens) lastUse(mark int64) time.Time {
	if t.Renewable {
		return time.Unix(mark, 0).Add(t.Refresh + t.Access)
	}
	return time.Unix(mark, 0)
}

// newSessionID draws 63 random bits, never 0.
func newSessionID() int64 {
	for {
		if id := int64(binary.BigEndian.Uint64(token.NewSecret().Bytes()) >> 1); id != 0 {
			return id
		}
	}
}

// rehashNow replaces an outdated hash before the answer: tokens that tell their password would not
// outlive a rehash after it. Where another request was first, text is checked against its hash.
func (s *Service) rehashNow(ctx context.Context, u *User, text string) error {
	fresh, err := s.pool.Hash(ctx, text)
	if err != nil {
		return busy(err, "hash a password anew")
	}
	now := *u
	err = s.update(ctx, u.ID, func(w Writer) error {
		swapped, err := w.SwapPassword(ctx, u.ID, u.Password, fresh)
		if err != nil || swapped {
			now.Password = fresh
			return err
		}
		now, err = w.User(ctx, u.ID)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return fail(InvalidCredentials)
	}
	if err != nil {
		return fmt.Errorf("rehash the password of user %d: %w", u.ID, err)
	}
	if *u = now; now.Password == fresh {
		return nil
	}
	match, err := s.verify(ctx, u, text)
	if err == nil && !match.OK {
		err = fail(InvalidCredentials)
	}
	return err
}

// rehashTimeout bounds a rehash, its wait for the pool included.
const rehashTimeout = time.Minute

// rehash replaces an outdated hash after the answer: one at a time, by compare-and-swap. One
// that finds the place taken is left to the user's next sign-in.
func (s *Service) rehash(id int64, old, text string) {
	select {
	case s.rehashing <- struct{}{}:
	default:
		return
	}
	s.background.Go(func() {
		defer func() { <-s.rehashing }()
		ctx, cancel := context.WithTimeout(s.stopping, rehashTimeout)
		defer cancel()
		fresh, err := s.pool.Hash(ctx, text)
		if err == nil {
			err = s.store.Update(ctx, func(w Writer) error {
				_, err := w.SwapPassword(ctx, id, old, fresh)
				return err
			})
		}
		if err != nil && s.stopping.Err() == nil {
			s.log.Warn("rehash a password", "user", id, "error", err)
		}
	})
}
