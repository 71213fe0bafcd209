package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Line is what the log says of a request: ids, not names, and nothing of the query, the headers or
// the body.
type Line struct {
	At     time.Time // when it was answered
	Method string
	Path   string // as the table has it
	Status int
	Bytes  int64 // of the body
	Took   time.Duration
	Client netip.Addr
	ID     string
	Op     string // "": no route
	User   int64  // 0: nobody
}

// LineHandler is a slog.Handler that takes the line of a request as it is. A Record would cost more
// than the rest of the answer.
type LineHandler interface {
	slog.Handler
	HandleLine(l *Line)
}

// Attrs are the line's attributes, in their order.
func (l *Line) Attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("method", l.Method), slog.String("path", l.Path), slog.Int("status", l.Status),
		slog.Int64("bytes", l.Bytes), slog.Int64("us", l.Took.Microseconds()), slog.String("client", l.Client.String()),
		slog.String("id", l.ID),
	}
	if l.Op != "" {
		attrs = append(attrs, slog.String("op", l.Op))
	}
	if l.User != 0 {
		attrs = append(attrs, slog.Int64("user", l.User))
	}
	return attrs
}

// maxLogged bounds what a client can put into a log line.
const maxLogged = 200

// log writes one line a request.
func (s *Site) log(x *exchange, r *http.Request, end time.Time) {
	ctx := context.Background()
	if !s.lines.Enabled(ctx, slog.LevelInfo) {
		return
	}
	l := &x.Line
	l.At, l.Method, l.Took = end, r.Method, end.Sub(x.start)
	if len(l.Path) > maxLogged {
		l.Path = l.Path[:maxLogged] + "…"
	}
	if len(l.Method) > 10 {
		l.Method = l.Method[:10] + "…"
	}
	s.lines.HandleLine(l)
}

// records writes lines to a handler that knows none.
type records struct{ slog.Handler }

// HandleLine implements LineHandler.
func (h records) HandleLine(l *Line) {
	r := slog.NewRecord(l.At, slog.LevelInfo, "request", 0)
	r.AddAttrs(l.Attrs()...)
	_ = h.Handle(context.Background(), r) // nobody is left to be told
}

func linesOf(log *slog.Logger) LineHandler {
	if h, ok := log.Handler().(LineHandler); ok {
		return h
	}
	return records{log.Handler()}
}
