package mail

import (
	"crypto/rand"
	"log/slog"
	"sync"
	"time"
)

// The pauses between two tries of a server that is down: from a second on, doubled each time.
const (
	minPause = time.Second
	maxPause = 15 * time.Second
)

// maxPostponed is after how many mails in a row that a server put off it is taken for down.
const maxPostponed = 5

// health is what is known of the server: up until a try fails for a reason that is no mail's own.
type health struct {
	tick func() time.Time
	log  *slog.Logger

	mu     sync.Mutex
	since  time.Time // zero: up
	next   time.Time // when it is tried again
	pause  time.Duration
	putOff int // mails in a row
}

// state tells whether the server is down, and for how long not to try it.
func (h *health) state() (down bool, wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.since.IsZero(), h.next.Sub(h.tick())
}

// probe begins a try of a server that is down, and says when the next one may begin, should this one hang.
func (h *health) probe() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.later()
}

func (h *health) later() time.Duration {
	h.pause = min(max(2*h.pause, minPause), maxPause)
	wait := jittered(h.pause)
	h.next = h.tick().Add(wait)
	return wait
}

// bad says that the server cannot be reached, or takes no mail at all.
func (h *health) bad(reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.since.IsZero() {
		h.since, h.pause = h.tick(), 0
		h.log.Warn("the mail server is down: mails wait", "reason", oneLine(masked(reason.Error()), maxAnswer))
		h.later()
	}
}

// good says that the server took a mail.
func (h *health) good() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.putOff = 0
	if !h.since.IsZero() {
		h.log.Info("the mail server is back", "down", h.tick().Sub(h.since).Round(time.Millisecond).String())
		h.since, h.next = time.Time{}, time.Time{}
	}
}

// postponed counts a mail that the server put off, and reports whether it puts off all of them.
func (h *health) postponed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.putOff++
	return h.putOff >= maxPostponed
}

// jittered spreads what would come at once: up to a fifth more.
func jittered(d time.Duration) time.Duration {
	var b [1]byte
	rand.Read(b[:])
	return d + d*time.Duration(b[0])/(5*255)
}
