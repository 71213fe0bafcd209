package account

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"
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
	changes    [hotShards]atomic.Uint64 // how often a user of each shard was forgotten
	ended      endedSessions
}

func newHot(fresh func() bool) *hot {
	if fresh == nil {
		fresh = func() bool { return true }
	}
	h := &hot{seed: maphash.MakeSeed(), fresh: fresh}
	for i := range h.tokens {
		h.tokens[i].known = map[tokenKey]hotToken{}
		h.users[i].loading, h.users[i].changes = map[int64]*userLoad{}, &h.changes[i]
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
	changes *atomic.Uint64 // of hot
}

// userLoad is one reading of a row, for all who wait for it.
type userLoad struct {
	done       chan struct{}
	generation uint64
	user       *User
	err        error
	stale      bool // a change came between: good for those who wait, who asked before it, and not to keep
}

// get writes a user to into, and reports whether he is known.
func (u *hotUsers) get(id int64, generation uint64, into *User) bool {
	u.mu.RLock()
	since, old, ok := u.known.get(id, into)
	u.mu.RUnlock()
	if !ok || since != generation {
		return false
	}
	if old {
		u.renew(id)
	}
	return true
}

// renew saves a user that is asked for from going with his half.
func (u *hotUsers) renew(id int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var known hotUser
	var old, ok bool
	if known.generation, old, ok = u.known.get(id, &known.user); ok && old {
		u.known.keep(&known)
	}
}

// forget drops a user after his row was changed. Whoever is reading it now may have read the old one.
func (u *hotUsers) forget(id int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.known.drop(id)
	u.changes.Add(1)
	if load := u.loading[id]; load != nil {
		load.stale = true
		delete(u.loading, id) // who asks from now on reads again
	}
}

// learn keeps a user whose row was read when changes were counted, unless there were more since, or he
// is known.
func (u *hotUsers) learn(fresh *hotUser, changes uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	generation, old, ok := u.known.get(fresh.user.ID, new(User))
	if u.changes.Load() == changes && (!ok || old || generation != fresh.generation) {
		u.known.keep(fresh)
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

func (h *hot) hash(text string) uint64 { return maphash.String(h.seed, text) }

func (h *hot) usersOf(id int64) *hotUsers { return &h.users[h.shardOf(id)] }

func (h *hot) shardOf(id int64) int {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(id))
	return int(maphash.Bytes(h.seed, b[:]) % hotShards)
}
