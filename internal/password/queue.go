package password

import (
	"container/list"
	"context"
	"time"
)

// job is one hash to be done. What work leaves behind may be read once done is closed.
type job struct {
	work    func(argon2idFunc) // given the worker's own Argon2id
	nominal time.Duration
	gone    func() error  // says why the caller no longer waits, if so
	asked   time.Time     // when it was queued
	place   *list.Element // in the queue, nil once it is not
	done    chan struct{}
	err     error // why work was not done
}

// do queues work and waits until it is done, or ctx is; in the second case the work never starts,
// or, when it already has, ends unheard.
func (p *Pool) do(ctx context.Context, nominal time.Duration, work func(argon2idFunc)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{work: work, nominal: nominal, gone: ctx.Err, done: make(chan struct{})}
	if err := p.enqueue(j); err != nil {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		p.mu.Lock()
		p.leave(j)
		p.mu.Unlock()
		return ctx.Err()
	}
}

func (p *Pool) enqueue(j *job) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	if err := p.admit(); err != nil {
		return err
	}
	if p.queue.Len() == 0 && p.rescuer != nil {
		p.rescuer.look.Reset(overdue)
	}
	p.raise()
	j.asked = time.Now()
	j.place = p.queue.PushBack(j)
	p.queued += j.nominal
	p.ready.Signal()
	return nil
}

// Admit is the Busy of a hash that would be shed now, or nil: who asks first does nothing in vain.
// Other errors: ctx.Err().
func (p *Pool) Admit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.admit()
}

func (p *Pool) admit() error {
	if wait := p.wait(); wait > p.maxWait {
		p.shed++
		return Busy{RetryAfter: (wait + time.Second - 1).Truncate(time.Second)}
	}
	return nil
}

// wait is how long the queue will take, as its hashes and the pool's pace are.
func (p *Pool) wait() time.Duration {
	hashes := float64(p.queued) / float64(p.nominal)
	return time.Duration(hashes * float64(p.estimate) / float64(p.slots))
}

// leave takes a job out of the queue, if it is still there.
func (p *Pool) leave(j *job) *job {
	if j.place != nil {
		p.queue.Remove(j.place)
		p.queued -= j.nominal
		j.place = nil
	}
	return j
}

func (j *job) refuse(err error) {
	j.err = err
	close(j.done)
}

// next takes the oldest job whose caller is still there, waiting for one; nil when the pool closed.
func (p *Pool) next(w *worker) *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed {
		now := time.Now()
		switch {
		case p.mayTake(w, now):
			j := p.leave(p.queue.Front().Value.(*job))
			if err := j.gone(); err != nil {
				j.refuse(err)
				continue
			}
			p.hashing++
			w.job, w.since = j, now
			return j
		case w.warm && now.Sub(w.since) >= giveBack:
			w.warm = false
			p.mu.Unlock()
			w.release()
			p.mu.Lock()
		default:
			w.wake.Wait()
		}
	}
	return nil
}

// mayTake reports whether there is work for w. For the rescuer that is work which is overdue, and
// which the slots leave alone: see starved. In a storm of sign-ins alone, long as the queue may be,
// it stays out of the way of all other requests.
func (p *Pool) mayTake(w *worker, now time.Time) bool {
	if p.queue.Len() == 0 {
		return false
	}
	if w != p.rescuer {
		return true
	}
	rest := overdue - now.Sub(p.queue.Front().Value.(*job).asked)
	if rest <= 0 && p.starved(now) {
		return true
	}
	w.look.Reset(max(rest, lookEvery))
	return false
}

// starved reports whether a slot gets so little of a core that it hashes at a twentieth of its pace
// or does not even begin, as when other requests use up all cores.
func (p *Pool) starved(now time.Time) bool {
	for _, w := range p.workers {
		patience := 20 * p.nominal
		if w.job != nil {
			patience = 16*p.nominal + 4*w.job.nominal // a long one should not hide the state for long
		}
		if now.Sub(w.since) > patience {
			return true
		}
	}
	return false
}
