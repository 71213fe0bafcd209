package crash

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

const writers = 8

// load is what asks a server until it is killed.
type load struct {
	t      *testing.T
	addr   string
	folder string // of the journals
	label  string // no other load of this database has it
	over   atomic.Bool
	done   sync.WaitGroup
	asked  atomic.Int64
}

// begin starts the writers.
func begin(t *testing.T, addr, folder, label string, rng *rand.Rand) *load {
	l := &load{t: t, addr: addr, folder: folder, label: label}
	for n := range writers {
		mine := rand.New(rand.NewPCG(rng.Uint64(), uint64(n)))
		l.done.Go(func() {
			if err := l.write(n, mine); err != nil {
				t.Errorf("writer %d: %v", n, err)
			}
		})
	}
	return l
}

// end makes the answers that fail from now on failures of the crash, calls strike, and waits for
// the writers.
func (l *load) end(strike func()) {
	l.over.Store(true)
	strike()
	l.done.Wait()
}

// writer is one of them, with the users that are its own.
type writer struct {
	n      int
	label  string
	rng    *rand.Rand
	states map[string]*state
	emails []string
	drawn  int
}

func (l *load) write(n int, rng *rand.Rand) error {
	j, err := openJournal(l.folder, n)
	if err != nil {
		return err
	}
	defer j.file.Close()
	c := newCaller(l.addr)
	defer c.close()
	w := &writer{n: n, label: l.label, rng: rng, states: map[string]*state{}}
	for {
		st, op := w.next()
		if err := j.sending(st); err != nil {
			return err
		}
		a, err := op.send(c, w.states[st.Email], &st)
		switch {
		case err != nil && l.over.Load():
			return nil
		case err != nil:
			return fmt.Errorf("%+v before the crash: %w", st, err)
		case a.Status != op.status:
			return fmt.Errorf("%+v of %s\ngot:  %+v\nwant: %d", st, w.states[st.Email], a, op.status)
		}
		if err := j.answered(a); err != nil {
			return err
		}
		l.asked.Add(1)
		op.effect(w.states[st.Email], &st, a)
	}
}

// recent is how many users of his a writer remembers: the older ones stay as they are.
const recent = 3

// next draws a request that must succeed.
func (w *writer) next() (step, *operation) {
	for {
		op := w.draw()
		st := step{Op: op.name}
		if op == &operations[0] {
			st.Email = w.text() + "@example.com"
			w.emails = append(w.emails, st.Email)
			w.states[st.Email] = &state{}
		} else if !w.choose(&st, op) {
			continue
		}
		if op.draw != nil {
			op.draw(&st, w.text())
		}
		return st, op
	}
}

// choose finds a user and a session that may ask for op.
func (w *writer) choose(st *step, op *operation) bool {
	if len(w.emails) == 0 {
		return false
	}
	st.Email = w.emails[max(0, len(w.emails)-1-w.rng.IntN(recent))]
	s := w.states[st.Email]
	if !s.Exists {
		return false
	}
	st.Session = w.rng.IntN(len(s.Sessions))
	return op.may(&s.Sessions[st.Session])
}

// draw draws an operation by its weight.
func (w *writer) draw() *operation {
	sum := 0
	for i := range operations {
		sum += operations[i].weight
	}
	n := w.rng.IntN(sum)
	for i := range operations {
		if n -= operations[i].weight; n < 0 {
			return &operations[i]
		}
	}
	panic("the weights have another sum")
}

// text is one that was not drawn before.
func (w *writer) text() string {
	w.drawn++
	return fmt.Sprintf("%s-w%d-%d-%04x", w.label, w.n, w.drawn, w.rng.IntN(1<<16))
}
