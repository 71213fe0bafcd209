package mail

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"doorward/internal/account"
)

// The bounds of what a Catcher keeps.
const (
	maxCaught      = 500
	maxCaughtBytes = 16 << 20
)

// Caught is a mail that was not sent.
type Caught struct {
	ID       int64 // counts from 1
	To, From string
	Subject  string
	Occasion account.Occasion
	Created  time.Time
	Text     string
	HTML     string
	Source   []byte // RFC 5322
}

// Links are the addresses in the text, in order.
func (c *Caught) Links() []string { return linksOf(c.Text) }

// Catcher keeps the latest mails in memory, for development and tests.
type Catcher struct {
	mu    sync.Mutex
	last  int64
	bytes int
	mails []Caught      // the oldest first
	more  chan struct{} // closed at the next mail
}

// NewCatcher makes an empty one.
func NewCatcher() *Catcher { return &Catcher{more: make(chan struct{})} }

// Send implements Transport.
func (c *Catcher) Send(_ context.Context, o *Outgoing) (string, error) {
	source, err := o.render()
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	c.mails = append(c.mails, Caught{
		ID: c.last, To: o.To, From: o.From, Subject: o.Subject, Occasion: o.Occasion, Created: o.Created,
		Text: o.Text, HTML: o.HTML, Source: source,
	})
	c.bytes += size(&c.mails[len(c.mails)-1])
	for len(c.mails) > maxCaught || c.bytes > maxCaughtBytes && len(c.mails) > 1 {
		c.bytes -= size(&c.mails[0])
		c.mails = slices.Delete(c.mails, 0, 1)
	}
	close(c.more)
	c.more = make(chan struct{})
	return "caught", nil
}

func size(m *Caught) int { return len(m.Source) + len(m.Text) + len(m.HTML) }

// Mails are those to an address, in any case, or ("") all; the latest first. after leaves out those with an
// id that is not above it.
func (c *Catcher) Mails(to string, after int64) []Caught {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.matching(to, after)
}

func (c *Catcher) matching(to string, after int64) []Caught {
	var list []Caught
	for _, m := range slices.Backward(c.mails) {
		if m.ID > after && (to == "" || strings.EqualFold(m.To, to)) {
			list = append(list, m)
		}
	}
	return list
}

// Mail finds one by its id.
func (c *Catcher) Mail(id int64) (Caught, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.mails {
		if m.ID == id {
			return m, true
		}
	}
	return Caught{}, false
}

// Wait is Mails once there is one, or nothing when ctx ends before.
func (c *Catcher) Wait(ctx context.Context, to string, after int64) []Caught {
	for {
		c.mu.Lock()
		list, more := c.matching(to, after), c.more
		c.mu.Unlock()
		if len(list) > 0 {
			return list
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

// Clear forgets all mails; ids go on.
func (c *Catcher) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mails, c.bytes = nil, 0
}

// Local implements Transport.
func (c *Catcher) Local() bool { return true }

// Close implements Transport.
func (c *Catcher) Close() error { return nil }

// Copy is a transport that also gives the catcher what it sent.
func Copy(t Transport, to *Catcher) Transport { return &copying{t, to} }

type copying struct {
	Transport
	catcher *Catcher
}

// Send implements Transport.
func (c *copying) Send(ctx context.Context, o *Outgoing) (string, error) {
	answer, err := c.Transport.Send(ctx, o)
	if err == nil {
		_, _ = c.catcher.Send(ctx, o) // it has left: another try would send it twice
	}
	return answer, err
}
