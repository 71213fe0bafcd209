package password

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkStorm shows what 256 sign-ins at once do to a reader of 600 requests a second beside them,
// and what a flood of reads does to sign-ins. It asserts nothing: run it on a machine with nothing
// else to do, on one core and on all:
//
//	go test -run '^$' -bench Storm -benchtime 1x ./internal/password
func BenchmarkStorm(b *testing.B) {
	for _, tt := range []struct {
		name   string
		storm  func(*Pool) func() // starts what is beside the reader
		pooled Options
	}{
		{"quiet", func(*Pool) func() { return func() { time.Sleep(3 * time.Second) } }, Options{}},
		{"on goroutines", signIns, Options{}},
		{"on threads", signIns, Options{Threads: true}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			for b.Loop() {
				tt.pooled.MaxWait = time.Minute
				p := NewPool(tt.pooled)
				var stop atomic.Bool
				r := startReader(b, &stop)
				before := time.Now()
				tt.storm(p)()
				b.ReportMetric(float64(p.Stats().Total)/time.Since(before).Seconds(), "hashes/s")
				stop.Store(true)
				r.report(b)
				p.Close()
			}
		})
	}
	for _, tt := range []struct {
		name    string
		rescued bool
	}{{"flood without rescuer", false}, {"flood", true}} {
		b.Run(tt.name, func(b *testing.B) {
			for b.Loop() {
				flood(b, tt.rescued)
			}
		})
	}
}

// signIns queues 256 hashes; what it returns waits for them.
func signIns(p *Pool) func() {
	var all sync.WaitGroup
	for range 256 {
		all.Go(func() { p.Dummy(context.Background(), "correct-horse") })
	}
	return all.Wait
}

// flood has more readers than cores, who never pause, and 40 people signing in for five seconds.
func flood(b *testing.B, rescued bool) {
	cores := runtime.GOMAXPROCS(0)
	p := NewPool(Options{Threads: true})
	if !rescued {
		time.Sleep(50 * time.Millisecond)
		p.mu.Lock()
		p.rescuer = &worker{look: time.NewTimer(time.Hour)} // nobody: the true one is left asleep
		p.mu.Unlock()
	}
	defer p.Close()
	var stop atomic.Bool
	var reads atomic.Int64
	var all sync.WaitGroup
	for range 4 * cores {
		all.Go(func() {
			for !stop.Load() {
				request()
				reads.Add(1)
				runtime.Gosched()
			}
		})
	}
	for range 40 {
		all.Go(func() {
			for !stop.Load() {
				if err := p.Dummy(context.Background(), "correct-horse"); errors.As(err, new(Busy)) {
					time.Sleep(100 * time.Millisecond)
				}
			}
		})
	}
	const span = 6 * time.Second
	time.Sleep(span)
	b.ReportMetric(float64(p.Stats().Total)/span.Seconds(), "hashes/s")
	b.ReportMetric(float64(reads.Load())/span.Seconds(), "reads/s")
	stop.Store(true)
	all.Wait()
}

// request is about what a read costs: 50 µs.
func request() { sha256.Sum256(make([]byte, 48<<10)) }

type reader struct {
	took []time.Duration
	done chan struct{}
}

// startReader sends 600 requests a second over a connection and notes when each answer came, from
// when it was due.
func startReader(b *testing.B, stop *atomic.Bool) *reader {
	near, far := pair(b)
	go func() { // the server
		defer far.Close()
		for message := make([]byte, 1); ; {
			if _, err := io.ReadFull(far, message); err != nil {
				return
			}
			request()
			far.Write(message)
		}
	}()
	r := &reader{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		defer near.Close()
		message := make([]byte, 1)
		for due := time.Now(); !stop.Load(); due = due.Add(time.Second / 600) {
			time.Sleep(time.Until(due))
			near.Write(message)
			io.ReadFull(near, message)
			r.took = append(r.took, time.Since(due))
		}
	}()
	return r
}

func pair(b *testing.B) (near, far net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		b.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		b.Fatal(err)
	}
	return near, far
}

func (r *reader) report(b *testing.B) {
	<-r.done
	slices.Sort(r.took)
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50-ms", .5}, {"p90-ms", .9}, {"p99-ms", .99}} {
		b.ReportMetric(r.took[int(q.at*float64(len(r.took)-1))].Seconds()*1e3, q.name)
	}
	b.ReportMetric(0, "ns/op")
}
