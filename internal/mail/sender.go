package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"doorward/internal/account"
)

// Outbox is where mails wait: *store.DB.
type Outbox interface {
	ClaimMail(ctx context.Context, now, until time.Time) (account.Mail, error)
	SettleMail(ctx context.Context, m *account.Mail, claim time.Time) (bool, error)
	FreeMails(ctx context.Context, now time.Time) error
	SweepMails(ctx context.Context, t time.Time, limit int) (int64, error)
}

// SenderOptions are what a Sender stands on.
type SenderOptions struct {
	Outbox    Outbox
	Open      func(*account.Mail) (account.Message, error) // account.Service.OpenMail
	Transport Transport
	Now       func() time.Time // of rows
	Tick      func() time.Time // never turned: how long something takes
	Log       *slog.Logger
	Counts    *Counts
	// Alone says that nobody else sends from this database: what is claimed at the start was
	// claimed by a sender that died.
	Alone func() bool
}

// Counts are what a Sender did, for the metrics.
type Counts struct{ Sent, Failed, Deferred atomic.Int64 }

// DeliveryTimeout bounds one try from the first packet to the last. It leaves room in the minute
// after an outage, when what hung has to be tried again.
const DeliveryTimeout = 40 * time.Second

// The Sender's times. A claim outlives the longest delivery, so that no other node sends the same
// mail while one is at it.
const (
	maxConnections = 4
	pollEvery      = 5 * time.Second        // for mails of other programs, and those that are due again
	slowDelivery   = 250 * time.Millisecond // after which another connection helps
	claimFor       = DeliveryTimeout + 20*time.Second
	settleFor      = 10 * time.Second // how long writing the outcome is tried
	settlePause    = 200 * time.Millisecond
	drainFor       = 5 * time.Second
	giveUpAfter    = 3 * 24 * time.Hour
	keepSettled    = 30 * 24 * time.Hour
	sweepLimit     = 1000
)

// Sender sends what waits in the outbox, the mail that is due longest first: one connection at a
// time, more while deliveries are slow. While the server is down one mail at a time tries it.
type Sender struct {
	o      SenderOptions
	health health

	mu      sync.Mutex
	pending bool // somebody called since a worker was last started
	waiters []chan struct{}
	wake    chan struct{}
	stop    context.CancelFunc
	done    chan struct{}

	running int           // workers
	ended   chan struct{} // one of them
	moved   atomic.Int64  // when a worker last began or finished something, by Tick, in nanoseconds
}

// NewSender makes a Sender that sends nothing until Start.
func NewSender(o SenderOptions) *Sender {
	return &Sender{
		o: o, health: health{tick: o.Tick, log: o.Log},
		wake: make(chan struct{}, 1), ended: make(chan struct{}, maxConnections), done: make(chan struct{}),
	}
}

// Start begins to send. Doing so again does nothing.
func (s *Sender) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	s.pending = true
	go s.run(ctx)
}

// Close waits for the deliveries under way, not long: then they are cut off and tried again later.
func (s *Sender) Close() {
	s.mu.Lock()
	stop := s.stop
	s.mu.Unlock()
	if stop != nil {
		stop()
		<-s.done
	}
}

// Wake tells that the outbox may have something new.
func (s *Sender) Wake() { s.call(nil) }

// Flush is Wake that waits until nothing is due any more, the server turns out to be down, or ctx ends.
func (s *Sender) Flush(ctx context.Context) {
	done := make(chan struct{})
	if !s.call(done) {
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// call reports false where no sender runs.
func (s *Sender) call(waiter chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop == nil {
		return false
	}
	s.pending = true
	if waiter != nil {
		s.waiters = append(s.waiters, waiter)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return true
}

// run starts workers when there is something to do, and waits for them in the end.
func (s *Sender) run(ctx context.Context) {
	defer close(s.done)
	deliveries, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	if s.o.Alone() {
		if err := s.o.Outbox.FreeMails(ctx, s.o.Now()); err != nil && ctx.Err() == nil {
			s.o.Log.Error("mails that a dead sender had claimed wait for the end of its claim", "error", err)
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timedOut := false
		select {
		case <-ctx.Done():
			s.drain(cut)
			return
		case <-s.ended:
			s.running--
		case <-s.wake:
		case <-timer.C:
			timedOut = true
		}
		timer.Reset(s.step(ctx, deliveries, timedOut))
	}
}

// drain waits for the workers, cuts them off when they take too long, and lets everybody go.
func (s *Sender) drain(cut context.CancelFunc) {
	late := time.AfterFunc(drainFor, cut)
	defer late.Stop()
	for ; s.running > 0; s.running-- {
		<-s.ended
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
}

// step starts a worker where one is wanted, and says how long to wait for what happens next.
func (s *Sender) step(ctx, deliveries context.Context, timedOut bool) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if down, wait := s.health.state(); down {
		s.release() // whoever waits for a server that is down waits too long
		if wait > 0 || s.running == maxConnections {
			return max(wait, slowDelivery)
		}
		wait = s.health.probe()
		s.work(ctx, deliveries)
		return wait
	}
	stuck := s.o.Tick().UnixNano()-s.moved.Load() >= int64(slowDelivery)
	switch {
	case s.running == 0 && (s.pending || timedOut), s.running > 0 && s.running < maxConnections && stuck:
		s.work(ctx, deliveries)
	case s.running == 0:
		s.release()
		return pollEvery
	}
	return slowDelivery
}

// release lets everybody go who waits for the outbox to be empty. The lock is held.
func (s *Sender) release() {
	for _, w := range s.waiters {
		close(w)
	}
	s.waiters = nil
}

// work starts a worker. The lock is held.
func (s *Sender) work(ctx, deliveries context.Context) {
	s.pending = false
	s.running++
	s.move()
	go func() {
		defer func() { s.ended <- struct{}{} }()
		for ctx.Err() == nil {
			now := s.o.Now()
			m, err := s.o.Outbox.ClaimMail(ctx, now, now.Add(claimFor))
			if err != nil {
				if !errors.Is(err, account.ErrNotFound) && ctx.Err() == nil {
					s.o.Log.Error("the outbox cannot be read", "error", err)
				}
				return
			}
			if m.UserID == account.ToNobody { // it says nothing of the server
				m.State, m.Settled = account.MailSent, now
				s.settle(deliveries, &m, m.Due)
				continue
			}
			s.deliver(deliveries, &m)
			s.move()
			if down, _ := s.health.state(); down {
				return
			}
		}
	}()
}

func (s *Sender) move() { s.moved.Store(s.o.Tick().UnixNano()) }

// deliver tries a claimed mail, and writes down what became of it.
func (s *Sender) deliver(ctx context.Context, m *account.Mail) {
	claim := m.Due
	answer, err := s.send(ctx, m)
	var f *Failure
	switch {
	case err == nil:
		m.State, m.Answer = account.MailSent, answer
		s.health.good()
		s.o.Counts.Sent.Add(1)
	case ctx.Err() != nil:
		m.Due, m.Answer = s.o.Now(), "interrupted: the server stopped"
	case errors.As(err, &f) && f.Final:
		m.State, m.Answer = account.MailFailed, f.Reason
	default:
		s.postpone(m, err)
	}
	if m.State == account.MailFailed {
		s.o.Counts.Failed.Add(1)
		s.o.Log.Warn("a mail is given up", "id", m.ID, "occasion", string(m.Occasion), "user", m.UserID, "reason", oneLine(masked(m.Answer), maxAnswer))
	}
	m.Settled, m.Answer = s.o.Now(), oneLine(masked(m.Answer), maxAnswer)
	s.settle(ctx, m, claim)
}

// maxAnswer bounds what is kept of a server's words, in bytes.
const maxAnswer = 300

func (s *Sender) send(ctx context.Context, m *account.Mail) (answer string, err error) {
	message, err := s.o.Open(m)
	if err != nil {
		return "", &Failure{Reason: "the mail does not open: it was sealed with another key", Final: true}
	}
	ctx, cancel := context.WithTimeout(ctx, DeliveryTimeout)
	defer cancel()
	return s.o.Transport.Send(ctx, &Outgoing{Message: message, Row: m.ID, Occasion: m.Occasion, Created: m.Created})
}

// postpone says when a mail is tried again: soon where the server is down, which is no mail's own
// fault; else the later, the longer it has been tried.
func (s *Sender) postpone(m *account.Mail, err error) {
	s.o.Counts.Deferred.Add(1)
	m.Answer = err.Error()
	now := s.o.Now()
	age := now.Sub(m.Created)
	if age > giveUpAfter {
		m.State, m.Answer = account.MailFailed, "given up after three days: "+err.Error()
		return
	}
	var f *Failure
	if errors.As(err, &f) && !f.Server && !s.health.postponed() {
		m.Due = now.Add(jittered(min(max(age/4, 2*time.Second), 30*time.Minute)))
		return
	}
	s.health.bad(err)
	m.Due = now.Add(jittered(min(time.Duration(m.Tries)*time.Second, maxPause)))
}

// settle writes down what became of a mail. When that fails the mail is sent again after its claim,
// so it is tried for a while.
func (s *Sender) settle(ctx context.Context, m *account.Mail, claim time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
	defer cancel()
	for {
		_, err := s.o.Outbox.SettleMail(ctx, m, claim)
		if err == nil {
			return
		}
		select {
		case <-time.After(settlePause):
		case <-ctx.Done():
			s.o.Log.Error("a mail may be sent twice", "id", m.ID, "error", fmt.Errorf("what became of it is not written down: %w", err))
			return
		}
	}
}

// Sweep forgets mails that were settled long ago.
func (s *Sender) Sweep(ctx context.Context) error {
	for {
		n, err := s.o.Outbox.SweepMails(ctx, s.o.Now().Add(-keepSettled), sweepLimit)
		if err != nil || n < sweepLimit {
			return err
		}
	}
}
