package account

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"doorward/internal/token"
)

// The bounds of what is remembered. Past one of them something else of the same shard is
// forgotten, which costs its owner one read.
const (
	hotShards    = 64
	maxHotTokens = 1 << 18 / hotShards
	maxEnded     = 1 << 17 // sessions that end within the life of a token; at one more everything is forgotten
)

// hot is what a service remembers so that reading costs no SQL: tokens that were judged against
// their rows once, and users. A token is judged again at every use, by what is remembered of its
// user; it is only the reading that is saved. Each change is forgotten here after its commit and
// before its answer, what another node changed once it is told, and everything when another program
// changed the database.
type hot struct {
	seed       maphash.Seed
	fresh      func() bool // asked after memory was
	distrusted atomic.Bool
	generation atomic.Uint64 // raised when everything is forgotten
	longest    atomic.Int64  // the longest life of an access token so far, as a time.Duration
	tokens     [hotShards]hotTokens
	users      [hotShards]hotUsers
	ended      endedSessions
}

func newHot(fresh func() bool) *hot {
	if fresh == nil {
		fresh = func() bool { return true }
	}
	h := &hot{seed: maphash.MakeSeed(), fresh: fresh}
	for i := range h.tokens {
		h.tokens[i].known = map[tokenKey]hotToken{}
		h.users[i].loading = map[int64]*userLoad{}
	}
	h.ended.until = map[int64]int64{}
	return h
}

// tokenKey is half of the SHA-256 of a mount's name and what a token's signature is over: nobody
// finds two that meet.
type tokenKey [16]byte

// signatureKey is half of the SHA-256 of a signature as it stands in the token.
type signatureKey [16]byte

func keyOfToken(p *Policy, raw string) (key tokenKey, signature signatureKey) {
	var buffer [1024]byte
	dot := strings.LastIndexByte(raw, '.') + 1
	sum := sha256.Sum256(append(append(append(buffer[:0], p.Mount...), 0), raw[:dot]...))
	copy(key[:], sum[:])
	sum = sha256.Sum256(append(buffer[:0], raw[dot:]...))
	copy(signature[:], sum[:])
	return key, signature
}

func (k tokenKey) shard() int { return int(k[0]) % hotShards }

// hotToken is a good token: what must still hold at its next use. It has no pointers, so the
// collector never looks at it.
type hotToken struct {
	user       int64
	session    int64
	mark       int64
	expires    int64 // unix seconds
	generation uint64
	keys       uint64 // the version of the published keys
	login      uint64 // a hash of the name that the user signs in with
	secret     [16]byte
	signature  signatureKey
	epoch      uint32
}

type hotTokens struct {
	mu    sync.RWMutex
	known map[tokenKey]hotToken
}

func (t *hotTokens) get(key tokenKey) (hotToken, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	known, ok := t.known[key]
	return known, ok
}

func (t *hotTokens) keep(key tokenKey, good hotToken) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for other := range t.known { // in no order: any other
		if len(t.known) < maxHotTokens {
			break
		}
		delete(t.known, other)
	}
	t.known[key] = good
}

type hotUsers struct {
	mu      sync.RWMutex
	known   shelf
	loading map[int64]*userLoad
}

// userLoad is one reading of a row, for all who wait for it.
type userLoad struct {
	done       chan struct{}
	generation uint64
	user       *User
	err        error
	stale      bool // a change came between: good for those who wait, who asked before it, and not to keep
}

func (u *hotUsers) get(id int64, generation uint64) *User {
	u.mu.RLock()
	known, old, ok := u.known.get(id)
	u.mu.RUnlock()
	switch {
	case !ok || known.generation != generation:
		return nil
	case old:
		u.renew(id)
	}
	return &known.user
}

// renew saves a user that is asked for from going with his half.
func (u *hotUsers) renew(id int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if known, old, ok := u.known.get(id); ok && old {
		u.known.keep(&known)
	}
}

// forget drops a user after his row was changed. Whoever is reading it now may have read the old one.
func (u *hotUsers) forget(id int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.known.drop(id)
	if load := u.loading[id]; load != nil {
		load.stale = true
		delete(u.loading, id) // who asks from now on reads again
	}
}

// begin joins the reading of a row, or starts one, which is then the caller's to finish.
func (u *hotUsers) begin(id int64, generation uint64) (load *userLoad, mine bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if load := u.loading[id]; load != nil && load.generation == generation {
		return load, false
	}
	load = &userLoad{done: make(chan struct{}), generation: generation}
	u.loading[id] = load
	return load, true
}

func (u *hotUsers) finish(id int64, load *userLoad) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.loading[id] == load {
		delete(u.loading, id)
	}
	if load.user != nil && load.err == nil && !load.stale && !load.user.wide() {
		u.known.keep(&hotUser{*load.user, load.generation})
	}
	close(load.done)
}

// endedSessions are the sessions that were ended while a remembered token of theirs may live.
type endedSessions struct {
	mu    sync.RWMutex
	until map[int64]int64 // by session, in unix seconds
}

func (e *endedSessions) has(session int64) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	_, ended := e.until[session]
	return ended
}

// add notes that a session ended, and reports false when there is no room for it.
func (e *endedSessions) add(session int64, now, until time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until[session] = until.Unix()
	if len(e.until)%1024 == 0 {
		for other, end := range e.until {
			if end < now.Unix() {
				delete(e.until, other)
			}
		}
	}
	return len(e.until) < maxEnded
}

func (e *endedSessions) clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.until)
}

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
	s.hot.lasts(p)
	generation, keys := s.hot.generation.Load(), s.keysVersion.Load()
	who, err := s.Authenticate(ctx, p, raw)
	if err != nil {
		return nil, err
	}
	if exp, ok := who.expiry(p); ok && who.Session.ID != 0 && exp <= s.longest(p).Unix() { // others are judged by their rows each time
		shard.keep(key, hotToken{
			user: who.User.ID, session: who.Session.ID, mark: who.mark, expires: exp, generation: generation, keys: keys,
			login: s.hot.hash(p.names(&who.User)), secret: who.User.JWTSecret, signature: signature, epoch: who.User.Epoch,
		})
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
	u, err := s.user(ctx, t.user)
	if err != nil || u == nil {
		return nil, err
	}
	if !u.IsActive || u.Epoch != t.epoch || u.JWTSecret != t.secret || s.hot.hash(p.names(u)) != t.login {
		return nil, nil
	}
	return &Principal{User: *u, Session: Session{ID: t.session, UserID: t.user, Mount: p.family(), Mark: t.mark, Epoch: t.epoch}, mark: t.mark}, nil
}

// user gives a user from memory, or reads him once for all who ask meanwhile. Nil: there is none.
func (s *Service) user(ctx context.Context, id int64) (*User, error) {
	generation := s.hot.generation.Load()
	shard := s.hot.usersOf(id)
	if u := shard.get(id, generation); u != nil {
		return u, nil
	}
	load, mine := shard.begin(id, generation)
	if mine {
		load.user, load.err = s.readUser(ctx, id)
		shard.finish(id, load)
	}
	select {
	case <-load.done:
		return load.user, load.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// loadTimeout bounds the reading of a row that others may wait for too: it outlives the request that began it.
const loadTimeout = 2 * time.Second

// readUser reads a user without his password, which memory has no use for.
func (s *Service) readUser(ctx context.Context, id int64) (*User, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	var u User
	err := s.store.View(ctx, func(r Reader) (err error) {
		u, err = r.User(ctx, id)
		return err
	})
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
	if s.hot != nil {
		s.hot.usersOf(user).forget(user) // after a failure too: what became of it may be unknown
	}
	return err
}

// ended notes that a session is over, before anybody hears of it.
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

// lasts notes how long the tokens of p live, before one of them is kept.
func (h *hot) lasts(p *Policy) {
	access := int64(p.Tokens.life())
	for {
		longest := h.longest.Load()
		if access <= longest || h.longest.CompareAndSwap(longest, access) {
			return
		}
	}
}

// expiry is when the token expires, in unix seconds.
func (who *Principal) expiry(p *Policy) (int64, bool) {
	exp, state := who.claims.Time(p.Tokens.claim(FromExpiry))
	return exp, state == token.Present
}

func (h *hot) hash(text string) uint64 { return maphash.String(h.seed, text) }

func (h *hot) usersOf(id int64) *hotUsers {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(id))
	return &h.users[maphash.Bytes(h.seed, b[:])%hotShards]
}
