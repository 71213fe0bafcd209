// Package journal writes the log: JSON lines for collectors, or lines for people. The line of a
// request waits a moment for others, so that they share a write; all else is written at once,
// with the lines before it. It leaves alone what is logged.
package journal

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"doorward/internal/web"
)

// How long a request's line waits, and how many bytes wait at most.
const (
	waitAtMost  = 100 * time.Millisecond
	bytesAtMost = 64 << 10
)

// Format is how lines are written.
type Format uint8

// The formats.
const (
	JSON Format = iota // as slog.JSONHandler
	Text               // for people: "10:16:02  POST /v1/sign-up  201  41 ms"
)

// Journal is a log. Close it in the end: lines of requests may wait.
type Journal struct {
	format Format
	level  slog.Level
	out    io.Writer

	mu      sync.Mutex
	waiting []byte
	timer   *time.Timer // writes what waits
	armed   bool
	closed  bool
}

// New makes a Journal that writes lines of level and above.
func New(out io.Writer, format Format, level slog.Level) *Journal {
	j := &Journal{format: format, level: level, out: out}
	j.timer = time.AfterFunc(time.Hour, j.Flush)
	j.timer.Stop()
	return j
}

// Logger writes to the journal.
func (j *Journal) Logger() *slog.Logger {
	h := &handler{journal: j}
	if j.format == Text {
		h.Handler = &people{w: writer{j}, level: j.level}
	} else {
		h.Handler = slog.NewJSONHandler(writer{j}, &slog.HandlerOptions{Level: j.level})
	}
	return slog.New(h)
}

// Flush writes what waits.
func (j *Journal) Flush() {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.flush()
}

// Close writes what waits; lines that come later are written at once.
func (j *Journal) Close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.flush()
	j.closed = true
	j.timer.Stop()
}

// flush writes what waits. A log that cannot be written to has nobody to tell.
func (j *Journal) flush() error {
	j.armed = false
	if len(j.waiting) == 0 {
		return nil
	}
	_, err := j.out.Write(j.waiting)
	j.waiting = j.waiting[:0]
	return err
}

// line adds the line of a request to those that wait.
func (j *Journal) line(l *web.Line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.format == Text {
		j.waiting = appendForPeople(j.waiting, l)
	} else {
		j.waiting = appendJSON(j.waiting, l)
	}
	switch {
	case j.closed || len(j.waiting) > bytesAtMost:
		_ = j.flush()
	case !j.armed:
		j.armed = true
		j.timer.Reset(waitAtMost)
	}
}

// writer is for lines that do not wait.
type writer struct{ *Journal }

// Write implements io.Writer.
func (w writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, b...)
	return len(b), w.flush()
}

// handler is a slog.Handler that takes lines of requests too.
type handler struct {
	slog.Handler
	journal *Journal
}

var _ web.LineHandler = (*handler)(nil)

// HandleLine implements web.LineHandler.
func (h *handler) HandleLine(l *web.Line) { h.journal.line(l) }

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.journal.level }

// WithAttrs implements slog.Handler. The lines of requests carry no attributes of a logger.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.journal}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.journal}
}
