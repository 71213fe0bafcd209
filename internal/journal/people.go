package journal

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"doorward/internal/web"
)

// people is a handler for a terminal.
type people struct {
	w     io.Writer
	level slog.Level
	with  []slog.Attr
}

// Enabled implements slog.Handler.
func (p *people) Enabled(_ context.Context, level slog.Level) bool { return level >= p.level }

// WithAttrs implements slog.Handler.
func (p *people) WithAttrs(attrs []slog.Attr) slog.Handler {
	copied := *p
	copied.with = append(append([]slog.Attr(nil), p.with...), attrs...)
	return &copied
}

// WithGroup implements slog.Handler; groups are not used here.
func (p *people) WithGroup(string) slog.Handler { return p }

// Handle implements slog.Handler.
func (p *people) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s %s", r.Time.Format(time.TimeOnly), strings.ToLower(r.Level.String()), r.Message)
	each := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%q", a.Key, a.Value.String())
		return true
	}
	for _, a := range p.with {
		each(a)
	}
	r.Attrs(each)
	b.WriteByte('\n')
	_, err := io.WriteString(p.w, b.String())
	return err
}

// appendForPeople writes the line of a request.
func appendForPeople(b []byte, l *web.Line) []byte {
	b = fmt.Appendf(b, "%s  %-6s %-28q %d  %.1f ms", l.At.Format(time.TimeOnly), l.Method, l.Path, l.Status, float64(l.Took.Microseconds())/1000)
	if l.User != 0 {
		b = fmt.Appendf(b, "  user %d", l.User)
	}
	return append(b, '\n')
}
