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
}

const defaultMaxWait = 5 * time.Second

// Pool does all hashing of a server, so many hashes at a time, first come first served. Passwords
// are the one thing a stranger can make us burn 30 ms and 19 MiB on: the pool keeps that from taking
// every core, and says Busy while that is still cheap. The zero Pool is not usable.
type Pool struct {
	slots   int
	maxWait time.Duration
	params  Params
	workers sync.WaitGroup

	mu       sync.Mutex
	ready    *sync.Cond    // the queue grew, or the pool closed
	queue    *list.List    // of *job, the oldest in front
	estimate time.Duration // moving average of what a hash takes, whatever its kind
	running  int
	total    uint64
	shed     uint64
	closed   bool
}

// job is one hash to be done. What work leaves behind may be read once done is closed.
type job struct {
	work func(argon2idFunc) // given the worker's own Argon2id
	gone func() error       // says why the caller no longer waits, if so
	done chan struct{}
	err  error // why work was not done
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
	Estimate         time.Duration // moving average of what one hash takes
}

// NewPool starts a pool; whoever did must Close it. Params that fail Check panic.
func NewPool(o Options) *Pool {
	return newPool(o, func() argon2idFunc { return argon2id })
}

// newPool asks id once for each worker.
func newPool(o Options, id func() argon2idFunc) *Pool {
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
	p.estimate = firstEstimate(p.params)
	p.ready = sync.NewCond(&p.mu)
	for range p.slots {
		derive := id()
		p.workers.Go(func() { p.serve(derive) })
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
	err := p.do(ctx, func(id argon2idFunc) { encoded = hash(password, p.params, id) })
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
	if err := p.do(ctx, func(id argon2idFunc) { ok, fault = h.matches(password, id) }); err != nil {
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
	return p.do(ctx, func(id argon2idFunc) {
		h := stored{kind: KindArgon2, variant: variantID, cost: Cost{Argon2: p.params},
			salt: make([]byte, saltBytes), tag: make([]byte, tagBytes)}
		h.matches(password, id)
	})
}

// Stats tells how busy the pool is.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Waiting: p.queue.Len(), Running: p.running, Total: p.total, Shed: p.shed, Estimate: p.estimate}
}

// Close refuses what is still queued and all that comes after it with ErrClosed, and waits for the
// hashes under way.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for e := p.queue.Front(); e != nil; e = p.queue.Front() {
		p.queue.Remove(e).(*job).refuse(ErrClosed)
	}
	p.ready.Broadcast()
	p.mu.Unlock()
	p.workers.Wait()
}

// do queues work and waits until it is done, or ctx is; in the second case the work never starts,
// or, when it already has, ends unheard.
func (p *Pool) do(ctx context.Context, work func(argon2idFunc)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{work: work, gone: ctx.Err, done: make(chan struct{})}
	place, err := p.enqueue(j)
	if err != nil {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		p.mu.Lock()
		p.queue.Remove(place) // does nothing once a worker has taken it
		p.mu.Unlock()
		return ctx.Err()
	}
}

func (p *Pool) enqueue(j *job) (*list.Element, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if wait := time.Duration(p.queue.Len()) * p.estimate / time.Duration(p.slots); wait > p.maxWait {
		p.shed++
		return nil, Busy{RetryAfter: (wait + time.Second - 1).Truncate(time.Second)}
	}
	p.ready.Signal()
	return p.queue.PushBack(j), nil
}

// serve is one worker.
func (p *Pool) serve(derive argon2idFunc) {
	for j := p.next(); j != nil; j = p.next() {
		start := time.Now()
		j.work(derive)
		p.finished(time.Since(start))
		close(j.done)
	}
}

// next takes the oldest job whose caller is still there, waiting for one; nil when the pool closed.
func (p *Pool) next() *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for p.queue.Len() == 0 && !p.closed {
			p.ready.Wait()
		}
		if p.closed {
			return nil
		}
		j := p.queue.Remove(p.queue.Front()).(*job)
		if err := j.gone(); err != nil {
			j.refuse(err)
			continue
		}
		p.running++
		return j
	}
}

func (j *job) refuse(err error) {
	j.err = err
	close(j.done)
}

func (p *Pool) finished(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.total++
	// An eighth of the newest: a change of cost shows within some ten hashes, one slow one does not.
	// Never below a millisecond, so that cheap hashes cannot make the queue look free.
	p.estimate = max(p.estimate+(took-p.estimate)/8, time.Millisecond)
}
