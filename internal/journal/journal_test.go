package journal

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doorward/internal/web"
)

var line = web.Line{
	At: time.Date(2026, 11, 22, 10, 16, 2, 123_400_000, time.UTC), Method: "GET", Path: "/v1/me", Status: 200, Bytes: 208,
	Took: 41 * time.Microsecond, Client: netip.MustParseAddr("2001:db8::1"), ID: "00c0ffee00c0ffee", Op: "me", User: 7,
}

// pipe counts writes.
type pipe struct {
	mu     sync.Mutex
	text   strings.Builder
	writes int
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes++
	return p.text.Write(b)
}

func (p *pipe) read() (string, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String(), p.writes
}

func TestALineIsWrittenAsSlogWritesIt(t *testing.T) {
	odd := line
	odd.Path, odd.Method, odd.User, odd.Op = "/a\"b\\c\n\x1b\u2028<ü>\xff\x7f", "P\"T", 0, ""
	bare := web.Line{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))}
	for _, l := range []web.Line{line, odd, bare} {
		var want bytes.Buffer
		r := slog.NewRecord(l.At, slog.LevelInfo, "request", 0)
		r.AddAttrs(l.Attrs()...)
		if err := slog.NewJSONHandler(&want, nil).Handle(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		if got := string(appendJSON(nil, &l)); got != want.String() {
			t.Errorf("%+v\ngot:  %swant: %s", l, got, &want)
		}
	}
}

func TestALineForPeople(t *testing.T) {
	const want = "10:16:02  GET    \"/v1/me\"                     200  0.0 ms  user 7\n"
	if got := string(appendForPeople(nil, &line)); got != want {
		t.Errorf("got:  %qwant: %q", got, want)
	}
}

func handle(log *slog.Logger, times int) {
	for range times {
		log.Handler().(web.LineHandler).HandleLine(&line)
	}
}

func TestLinesShareAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{}
		j := New(p, JSON, slog.LevelInfo)
		defer j.Close()
		handle(j.Logger(), 10)
		if text, _ := p.read(); text != "" {
			t.Errorf("at once: got %q, want nothing", text)
		}
		time.Sleep(waitAtMost)
		synctest.Wait()
		if text, writes := p.read(); strings.Count(text, "\n") != 10 || writes != 1 {
			t.Errorf("after %v: got %d lines in %d writes, want 10 in 1", waitAtMost, strings.Count(text, "\n"), writes)
		}
		handle(j.Logger(), 1)
		time.Sleep(waitAtMost)
		synctest.Wait()
		if _, writes := p.read(); writes != 2 {
			t.Errorf("a later line: got %d writes, want 2", writes)
		}
	})
}

func TestWhatIsNoRequestIsWrittenAtOnce(t *testing.T) {
	for _, format := range []Format{JSON, Text} {
		p := &pipe{}
		j := New(p, format, slog.LevelInfo)
		log := j.Logger().With("node", "a")
		handle(log, 3)
		log.Debug("not this")
		log.Error("fault", "error", "disk full")
		text, writes := p.read()
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if writes != 1 || len(lines) != 4 || !strings.Contains(lines[3], "fault") || !strings.Contains(lines[3], "disk full") || !strings.Contains(lines[3], "node") {
			t.Errorf("format %d: got %d writes of %q, want the fault after the lines before it, in one", format, writes, lines)
		}
		j.Close()
	}
}

func TestABusyLogIsBounded(t *testing.T) {
	p := &pipe{}
	j := New(p, JSON, slog.LevelInfo)
	handle(j.Logger(), 10_000)
	if most := bytesAtMost + 1024; cap(j.waiting) > 2*most || len(j.waiting) > most {
		t.Errorf("got %d bytes waiting in %d, want %d at most", len(j.waiting), cap(j.waiting), most)
	}
	j.Close()
	handle(j.Logger(), 1) // somebody who is late
	text, writes := p.read()
	if strings.Count(text, "\n") != 10_001 || writes > 100 {
		t.Errorf("got %d lines in %d writes, want 10001 in some dozens", strings.Count(text, "\n"), writes)
	}
}

func TestLinesAreWholeUnderLoad(t *testing.T) {
	p := &pipe{}
	j := New(p, JSON, slog.LevelInfo)
	var busy sync.WaitGroup
	for range 8 {
		busy.Go(func() {
			for range 500 {
				handle(j.Logger(), 1)
				j.Logger().Info("other")
			}
		})
	}
	busy.Wait()
	j.Close()
	text, _ := p.read()
	for l := range strings.Lines(text) {
		if !strings.HasPrefix(l, `{"time":`) || !strings.HasSuffix(l, "}\n") {
			t.Fatalf("got the line %q", l)
		}
	}
	if n := strings.Count(text, "\n"); n != 8000 {
		t.Errorf("got %d lines, want 8000", n)
	}
}

func TestALineAllocatesNothing(t *testing.T) {
	j := New(io.Discard, JSON, slog.LevelInfo)
	defer j.Close()
	h := j.Logger().Handler().(web.LineHandler)
	l := line
	handle(j.Logger(), 1000)
	if got := testing.AllocsPerRun(1000, func() { h.HandleLine(&l) }); got > 0 {
		t.Errorf("got %.1f allocations a line, want 0", got)
	}
}
