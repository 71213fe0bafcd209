package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"doorward/internal/token"
)

// Recognize is Authenticate for routes that may answer from memory: it reads a token's rows at its
// first use, and none at the next ones while nothing of its user changed.
func (s *Service) Recognize(ctx context.Context, p *Policy, raw string) (*Principal, error) {
	if !s.trusted() || p.Tokens.claim(FromPasswordDigest) != "" { // memory has no passwords
		return s.Authenticate(ctx, p, raw)
	}
	key, signature := keyOfToken(p, raw)
	shard := &s.hot.tokens[key.shard()]
	if t, ok := shard.get(key); ok {
		who, err := s.recall(ctx, p, &t)
		if err != nil {
			return nil, err
		}
		if !s.trusted() { // the process may have been frozen since
			return s.Authenticate(ctx, p, raw)
		}
		if who != nil && t.signature != signature {
			who, err = nil, s.forged(p, raw)
		}
		if who != nil || err != nil {
			return who, err
		}
	}
	m := s.moment(p)
	who, err := s.Authenticate(ctx, p, raw)
	if err != nil {
		return nil, err
	}
	if exp, ok := who.expiry(p); ok && who.Session.ID != 0 { // others are judged by their rows each time
		s.keepToken(p, &m, key, signature, who, exp)
	}
	return who, nil
}

// trusted reports whether memory knows all that it was to be told.
func (s *Service) trusted() bool {
	return s.hot != nil && !s.hot.distrusted.Load() && s.hot.fresh()
}

// forged refuses a token that says what a good one says, under another signature. Nil: that may be good too.
func (s *Service) forged(p *Policy, raw string) error {
	t, err := token.Parse(raw)
	switch {
	case err != nil:
		return fail(TokenMalformed)
	case !t.Repeatable(), p.Tokens.Signing != PerUser && len(s.verifyKeys(p, t)) > 1: // each key makes one
		return nil
	}
	return fail(TokenForged)
}

// recall judges a remembered token by its remembered user. Nobody and no error: it is to be judged anew.
func (s *Service) recall(ctx context.Context, p *Policy, t *hotToken) (*Principal, error) {
	// The sessions come first: Forget raises the generation before it clears them.
	if s.hot.ended.has(t.session) || t.generation != s.hot.generation.Load() || t.keys != s.keysVersion.Load() ||
		t.expires <= s.now().Unix() {
		return nil, nil
	}
	who := &Principal{Session: Session{ID: t.session, UserID: t.user, Mount: p.family(), Mark: t.mark, Epoch: t.epoch}, mark: t.mark}
	u := &who.User
	known, err := s.user(ctx, t.user, u)
	if err != nil || !known {
		return nil, err
	}
	if !u.IsActive || u.Epoch != t.epoch || u.JWTSecret != t.secret || s.hot.hash(p.names(u)) != t.login {
		return nil, nil
	}
	return who, nil
}

// user writes a user from memory to into, or reads him once for all who ask meanwhile, and reports whether there is one.
func (s *Service) user(ctx context.Context, id int64, into *User) (bool, error) {
	generation := s.hot.generation.Load()
	shard := s.hot.usersOf(id)
	if shard.get(id, generation, into) {
		return true, nil
	}
	load, mine := shard.begin(id, generation)
	if mine {
		load.user, load.err = s.readUser(ctx, id)
		shard.finish(id, load)
	}
	select {
	case <-load.done:
		if load.user != nil {
			*into = *load.user
		}
		return load.user != nil, load.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// loadTimeout bounds the reading of a row that others may wait for too: it outlives the request that began it.
const loadTimeout = 2 * time.Second

// readUser reads a user without his password, which memory has no use for.
func (s *Service) readUser(ctx context.Context, id int64) (*User, error) {
	loading, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	var u User
	err := s.store.View(loading, func(r Reader) (err error) {
		u, err = r.User(loading, id)
		return err
	})
	err = late(ctx, err)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read user %d: %w", id, err)
	}
	u.Password = ""
	return &u, nil
}

// Forget drops all that is remembered: another program changed the database.
func (s *Service) Forget() {
	if s.hot != nil {
		s.hot.generation.Add(1)
		s.hot.ended.clear() // of tokens that are forgotten
	}
}

// Change is something that was committed, here or elsewhere: of User, or the end of Session. With
// neither it may be anything, the signing keys too.
type Change struct{ User, Session int64 }

// Heed forgets what is otherwise since these changes, which are committed. It is for a Service that remembers.
func (s *Service) Heed(ctx context.Context, changes []Change) error {
	for _, c := range changes {
		switch {
		case c == Change{}:
			s.Forget()
			if err := s.LoadKeys(ctx); err != nil {
				return err
			}
		case c.User != 0:
			s.hot.usersOf(c.User).forget(c.User)
		default:
			s.end(c.Session, time.Duration(s.hot.longest.Load()))
		}
	}
	return nil
}

// Distrust answers everything from rows from now on: nobody tells any more what other programs change.
func (s *Service) Distrust() {
	if s.hot != nil {
		s.hot.distrusted.Store(true)
	}
}

// update changes rows of one user, and forgets him before anybody hears of it.
func (s *Service) update(ctx context.Context, user int64, f func(Writer) error) error {
	err := s.store.Update(ctx, f)
	if s.hot != nil && !undone(err) {
		s.hot.usersOf(user).forget(user)
	}
	return err
}

// undone reports whether an Update that failed has changed nothing for certain. Of others that is unknown.
func undone(err error) bool {
	var away *UnavailableError
	if errors.As(err, &away) {
		return !away.Unknown
	}
	return Refusal(err) != nil
}

// ended notes that a session is over, after its commit and before anybody hears of it: what is forgotten, and read again,
// before the commit is alive. Noting it where nothing was committed costs a reading.
func (s *Service) ended(p *Policy, session int64) {
	if s.hot != nil && session != 0 {
		s.end(session, p.Tokens.life())
	}
}

// end notes that a session is over whose tokens live for at most access.
func (s *Service) end(session int64, access time.Duration) {
	now := s.now()
	if !s.hot.ended.add(session, now, now.Add(access+maxAhead*time.Second+time.Minute)) {
		s.Forget()
	}
}

// longest is when a token that was made now is dead at the latest. One of another program may live longer.
func (s *Service) longest(p *Policy) time.Time {
	return s.now().Add(p.Tokens.life() + maxAhead*time.Second)
}

// life is how long a token lives that opens routes.
func (t *Tokens) life() time.Duration {
	if t.Typed != nil {
		return max(t.Access, t.Typed.Sliding)
	}
	return t.Access
}

// expiry is when the token expires, in unix seconds.
func (who *Principal) expiry(p *Policy) (int64, bool) {
	exp, state := who.claims.Time(p.Tokens.claim(FromExpiry))
	return exp, state == token.Present
}
