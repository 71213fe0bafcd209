package password

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Options are for NewPool; a zero field means its default.
type Options struct {
	Slots   int           // hashes at a time; runtime.GOMAXPROCS(0)
	MaxWait time.Duration // of queued work, past which requests are shed; 5 s
	Params  Params        // of new hashes; Default

	// Threads gives each slot an operating system thread, of the lowest priority where the system
	// has that for threads (Linux; see background), so that hashes take what other work leaves, and
	// adds a rescuer, so that this is never nothing. While there are hashes it raises
	// runtime.GOMAXPROCS by Slots: it is for the pool of a server, of which a process has one.
	Threads bool
}

const (
	defaultMaxWait = 5 * time.Second

	// giveBack is how long a slot without work keeps its memory.
	giveBack = 30 * time.Second

	// overdue is how long a request has waited before the rescuer looks after it, and lookEvery how
	// often it does.
	overdue   = time.Second
	lookEvery = 100 * time.Millisecond

	// calmAfter is how long after the last hash GOMAXPROCS goes down again. More of it than there are
	// cores makes every other request dearer by half, for threads that look for work and find none;
	// a change of it stops the process for some 50 µs, once in a series of sign-ins.
	calmAfter = 250 * time.Millisecond
)

// Pool does all hashing of a server, so many hashes at a time, first come first served. Passwords
// are the one thing a stranger can make us burn 30 ms and 19 MiB on: the pool keeps that from taking
// every core, and says Busy while that is still cheap. The zero Pool is not usable.
type Pool struct {
	slots   int
	maxWait time.Duration
	params  Params
	nominal time.Duration // of params
	procs   int           // added to GOMAXPROCS while there is work
	running sync.WaitGroup

	mu       sync.Mutex
	ready    *sync.Cond  // the queue grew, or the pool closed
	late     *sync.Cond  // the rescuer should look
	workers  []*worker   // the slots
	rescuer  *worker     // nil without Threads
	calm     *time.Timer // of a pool with Threads: sees whether there is work
	raised   bool        // GOMAXPROCS has procs in it
	queue    *list.List  // of *job, the oldest in front
	queued   time.Duration
	estimate time.Duration // moving average of what a hash with params takes
	hashing  int
	total    uint64
	shed     uint64
	closed   bool
}

// ErrClosed is the error of a request that a closing pool did not start.
var ErrClosed = errors.New("password pool is closed")

// Busy is the error of a request shed before any hashing: the work queued before it would take
// longer than MaxWait. It comes by value: errors.As into a Busy.
type Busy struct {
	RetryAfter time.Duration // whole seconds, at least one: when the queue should have drained
}

func (b Busy) Error() string {
	return fmt.Sprintf("too many passwords to check, try again in %v", b.RetryAfter)
}

// Match is the answer of a Verify.
type Match struct {
	OK       bool // the password is right
	Outdated bool // it is right, and the hash should be replaced by one of the pool's (see Outdated)
}

// Stats are for metrics.
type Stats struct {
	Waiting, Running int           // now
	Total, Shed      uint64        // hashes finished, requests refused as Busy; ever
	Estimate         time.Duration // moving average of what one of the pool's own hashes takes
}

// NewPool starts a pool; whoever did must Close it. Params that fail Check panic.
func NewPool(o Options) *Pool {
	return newPool(o, newHasher)
}

// newPool asks hash once for each worker.
func newPool(o Options, hash func(Params) hasher) *Pool {
	p := &Pool{slots: o.Slots, maxWait: o.MaxWait, params: o.Params, queue: list.New()}
	if p.slots <= 0 {
		p.slots = runtime.GOMAXPROCS(0)
	}
	if p.maxWait <= 0 {
		p.maxWait = defaultMaxWait
	}
	if p.params == (Params{}) {
		p.params = Default
	}
	if err := p.params.Check(); err != nil {
		panic(fmt.Sprintf("password: pool with %+v: %v", p.params, err))
	}
	p.nominal, p.estimate = p.params.nominal(), firstEstimate(p.params)
	p.ready, p.late = sync.NewCond(&p.mu), sync.NewCond(&p.mu)
	if o.Threads {
		p.procs = p.slots // none for the rescuer: see addProcs
		p.calm = time.AfterFunc(time.Hour, p.relax)
		p.calm.Stop()
		p.addRescuer(hash(p.params))
	}
	for range p.slots {
		p.addSlot(hash(p.params), o.Threads)
	}
	return p
}

// firstEstimate guesses what a hash takes, until one has been measured: 40 ms at the default
// (SECURITY (e)), and in proportion.
func firstEstimate(p Params) time.Duration {
	work := time.Duration(p.MemoryKiB) * time.Duration(p.Time)
	return 40 * time.Millisecond * work / (time.Duration(Default.MemoryKiB) * time.Duration(Default.Time))
}

// Params are those of the hashes the pool makes.
func (p *Pool) Params() Params { return p.params }

// Hash makes a new hash. Errors: Busy, ctx.Err() as soon as ctx is done, ErrClosed.
func (p *Pool) Hash(ctx context.Context, password string) (string, error) {
	var encoded string
	err := p.do(ctx, p.nominal, func(id argon2idFunc) { encoded = hash(password, p.params, id) })
	if err != nil {
		return "", err
	}
	return encoded, nil
}

// Verify reports whether password matches encoded. Where there is nothing to compare with (an
// unusable, unknown or too costly hash) it does the work of Dummy, then returns no match, with
// ErrFormat or ErrCost for the log. Other errors: as for Hash.
func (p *Pool) Verify(ctx context.Context, encoded, password string) (Match, error) {
	h, bad := parse(encoded)
	if bad != nil || h.kind == KindUnusable {
		if err := p.Dummy(ctx, password); err != nil {
			return Match{}, err
		}
		return Match{}, bad
	}
	var ok bool
	var fault error
	if err := p.do(ctx, h.nominal(), func(id argon2idFunc) { ok, fault = h.matches(password, id) }); err != nil {
		return Match{}, err
	}
	if fault != nil {
		return Match{}, fault
	}
	return Match{OK: ok, Outdated: ok && h.outdated(p.params)}, nil
}

// Dummy does the work of a Verify of one of the pool's own hashes, for an account that does not
// exist or has no password, so that time does not tell. Errors: as for Hash.
func (p *Pool) Dummy(ctx context.Context, password string) error {
	return p.do(ctx, p.nominal, func(id argon2idFunc) { p.blank().matches(password, id) })
}

// Blank is a hash that costs what the pool's own do, and that no password matches.
func (p *Pool) Blank() string { return p.blank().String() }

func (p *Pool) blank() stored {
	return stored{
		kind: KindArgon2, variant: variantID, cost: Cost{Argon2: p.params},
		salt: make([]byte, saltBytes), tag: make([]byte, tagBytes),
	}
}

// Stats tells how busy the pool is.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Waiting: p.queue.Len(), Running: p.hashing, Total: p.total, Shed: p.shed, Estimate: p.estimate}
}

// Close refuses what is still queued and all that comes after it with ErrClosed, and waits for the
// hashes under way.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for p.queue.Len() > 0 {
		p.leave(p.queue.Front().Value.(*job)).refuse(ErrClosed)
	}
	p.ready.Broadcast()
	p.late.Broadcast()
	p.mu.Unlock()
	p.running.Wait()
	p.relax()
}

// raise and relax put procs into GOMAXPROCS and take them out. It is a request that raises: it stops
// the process for a moment, which a thread of low priority could make a long one.
func (p *Pool) raise() {
	if p.procs == 0 || p.raised {
		return
	}
	p.raised = true
	addProcs(p.procs)
	p.calm.Reset(calmAfter) // the work may be left before it starts
}

func (p *Pool) relax() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.raised:
	case p.hashing > 0 || p.queue.Len() > 0:
		p.calm.Reset(calmAfter)
	default:
		p.raised = false
		addProcs(-p.procs)
	}
}

func (p *Pool) finished(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	took, size := now.Sub(w.since), float64(w.job.nominal)/float64(p.nominal)
	w.job, w.since, w.warm = nil, now, true
	w.rest.Reset(giveBack)
	p.hashing--
	p.total++
	if p.raised {
		p.calm.Reset(calmAfter)
	}
	// An eighth of the newest, less of a small one: a change of pace shows within some ten hashes, one
	// slow one does not. Never below a millisecond, so that cheap hashes cannot make the queue look
	// free.
	news := time.Duration(float64(took)/size) - p.estimate
	p.estimate = max(p.estimate+time.Duration(float64(news)*min(size, 1)/8), time.Millisecond)
}
