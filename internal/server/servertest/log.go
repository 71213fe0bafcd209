package servertest

import (
	"bytes"
	"log/slog"
	"sync"

	"doorward/internal/journal"
)

// Log keeps what a server logged.
type Log struct {
	mu      sync.Mutex
	text    bytes.Buffer
	journal *journal.Journal
}

func newLog() *Log {
	l := &Log{}
	l.journal = journal.New(l, journal.JSON, slog.LevelDebug)
	return l
}

// Write implements io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// tail is the last n bytes.
func (l *Log) tail(n int) string {
	text := l.String()
	return text[max(0, len(text)-n):]
}

// String is everything logged so far.
func (l *Log) String() string {
	l.journal.Flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
