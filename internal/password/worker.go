package password

import (
	"runtime"
	"sync"
	"time"
)

// worker is a slot of a pool, or its rescuer: an ordinary goroutine of ordinary priority that works
// only where the slots' low priority leaves them next to nothing. A priority once lowered takes
// privilege to raise, so it cannot be a slot that takes the rescuer's part.
type worker struct {
	hasher
	wake *sync.Cond  // what it waits for
	rest *time.Timer // wakes it when it has been idle for giveBack
	look *time.Timer // of the rescuer: wakes it to see whether it is needed

	// The pool's mutex guards these.
	job   *job      // in hand
	since time.Time // when it took that, or finished its last
	warm  bool      // has worked since it gave its memory back
}

func (p *Pool) newWorker(h hasher, wake *sync.Cond) *worker {
	w := &worker{hasher: h, wake: wake}
	w.rest, w.look = p.alarm(wake), p.alarm(wake)
	return w
}

// alarm is a timer, at rest, that wakes whoever waits for c. It takes the mutex, else it could ring
// just before a worker that has decided to wait does so.
func (p *Pool) alarm(c *sync.Cond) *time.Timer {
	t := time.AfterFunc(time.Hour, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		c.Broadcast()
	})
	t.Stop()
	return t
}

func (p *Pool) addSlot(h hasher, thread bool) {
	w := p.newWorker(h, p.ready)
	p.mu.Lock()
	p.workers = append(p.workers, w)
	p.mu.Unlock()
	p.running.Go(func() {
		if thread {
			background(func() { p.serve(w) })
			return
		}
		p.serve(w)
	})
}

func (p *Pool) addRescuer(h hasher) {
	w := p.newWorker(h, p.late)
	p.mu.Lock()
	p.rescuer = w
	p.mu.Unlock()
	p.running.Go(func() { p.serve(w) })
}

func (p *Pool) serve(w *worker) {
	for j := p.next(w); j != nil; j = p.next(w) {
		j.work(w.argon2id)
		p.finished(w)
		close(j.done)
	}
	w.rest.Stop()
	w.look.Stop()
	w.release()
}

// changingProcs makes one step of reading and writing GOMAXPROCS.
var changingProcs sync.Mutex

// addProcs keeps threads busy with hashes from taking the place of those that serve requests: n more
// may run Go code. That must be as many as hash and not one more. One that no hash holds sets threads
// of ordinary priority looking for work, and they take turns on the core with those that have some:
// one core answered half as many reads in a storm of sign-ins, the slowest hundredth after 5 ms and
// not 1 ms. The rescuer, which seldom works, makes do with the processors that requests have.
func addProcs(n int) {
	changingProcs.Lock()
	defer changingProcs.Unlock()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
}
