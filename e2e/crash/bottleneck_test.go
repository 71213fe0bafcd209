package crash

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/store/storetest"
)

// What L5 has at once: so many clients who sign in, and a database whose answers are so much later.
const (
	stormers = 64
	later    = 200 * time.Millisecond
	patient  = 10 * time.Second // nobody waits longer for any answer
)

// TestTwoBottlenecks lets a storm of sign-ins meet a slow PostgreSQL: everybody is answered, served
// or refused, nothing hangs, and afterwards all is as before (L5). What reads rows has no better time
// than what writes them.
func TestTwoBottlenecks(t *testing.T) {
	t.Parallel()
	w, through := newWire(t, storetest.Postgres(t))
	s := newSite(t, workshop(t), through)
	s.environ = []string{"DOORWARD_PASSWORD_MEMORY_KIB=19456", "DOORWARD_PASSWORD_TIME=2", "DOORWARD_PASSWORD_QUEUE_SECONDS=2"}
	server, _ := s.start(t)
	c := newCaller(server.addr)
	defer c.close()
	people := populate(t, c, 8)
	w.late.Store(int64(later))
	w.set(slow)
	var over atomic.Bool
	var in, shed atomic.Int64
	var all sync.WaitGroup
	for n := range stormers {
		all.Go(func() {
			c := newCaller(server.addr)
			defer c.close()
			for !over.Load() {
				began := time.Now()
				a, err := c.signIn(people[n%len(people)].email, anotherPassword)
				switch took := time.Since(began); {
				case err != nil || took > patient:
					t.Errorf("sign in: got %+v %v after %s, want an answer", a, err, took)
					return
				case a.Status == http.StatusOK:
					in.Add(1)
				case a.Status == http.StatusServiceUnavailable && a.RetryAfter != "":
					shed.Add(1)
					time.Sleep(calm)
				default:
					t.Errorf("sign in: got %+v, want 200 or 503", a)
					return
				}
			}
		})
	}
	length := 3 * time.Second
	if *soak {
		length = time.Minute
	}
	var took []time.Duration
	refused := 0
	for began := time.Now(); time.Since(began) < length; {
		asked := time.Now()
		a, err := c.me(people[0].mine.Access)
		switch {
		case time.Since(asked) > patient:
			t.Errorf("me: answered after %s, want within %s", time.Since(asked), patient)
		case err != nil || a.Status != http.StatusOK && a.Status != http.StatusServiceUnavailable:
			t.Errorf("me: got %+v %v, want 200 or 503", a, err)
		case a.Status == http.StatusOK:
			took = append(took, time.Since(asked))
		default:
			refused++
		}
	}
	over.Store(true)
	all.Wait()
	w.set(passes)
	t.Logf("%d signed in, %d were shed, in %s; me was answered %d times, and refused %d times", in.Load(), shed.Load(), length, len(took), refused)
	if len(took) > 0 { // where it reads rows, as much as the database lets it
		report(t, "me beside a storm, 200 ms from its database", took, patient)
	}
	awaitWrites(t, c)
	afterwards(t, c, people)
	if err := server.stop(); err != nil {
		t.Error(err)
	}
}
