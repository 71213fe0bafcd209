package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"doorward/internal/config"
)

// newLogger writes JSON lines, or at a terminal lines for people.
func newLogger(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // the configuration was checked
	if c.Format == "text" || (c.Format == "auto" && isTerminal(w)) {
		return slog.New(&lines{w: w, level: level, mu: new(sync.Mutex)})
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// lines is a log for people: "10:16:02  POST /v1/sign-up  201  41 ms".
type lines struct {
	w     io.Writer
	level slog.Level
	mu    *sync.Mutex
	with  []slog.Attr
}

// Enabled implements slog.Handler.
func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

// WithAttrs implements slog.Handler.
func (l *lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	copied := *l
	copied.with = append(append([]slog.Attr(nil), l.with...), attrs...)
	return &copied
}

// WithGroup implements slog.Handler; groups are not used here.
func (l *lines) WithGroup(string) slog.Handler { return l }

// Handle implements slog.Handler.
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Time.Format(time.TimeOnly) + "  ")
	values := map[string]slog.Value{}
	r.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value
		return true
	})
	if r.Message == "request" {
		fmt.Fprintf(&b, "%-6s %-28q %s  %s ms", values["method"], values["path"], values["status"], milliseconds(values["us"]))
		if user, ok := values["user"]; ok {
			fmt.Fprintf(&b, "  user %s", user)
		}
	} else {
		fmt.Fprintf(&b, "%s %s", strings.ToLower(r.Level.String()), r.Message)
		each := func(a slog.Attr) bool {
			fmt.Fprintf(&b, " %s=%q", a.Key, a.Value.String())
			return true
		}
		for _, a := range l.with {
			each(a)
		}
		r.Attrs(each)
	}
	b.WriteByte('\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(l.w, b.String())
	return err
}

func milliseconds(us slog.Value) string {
	return fmt.Sprintf("%.1f", float64(us.Int64())/1000)
}
