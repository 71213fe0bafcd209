package mail

import (
	"context"
	"log/slog"

	"doorward/internal/pattern"
)

// logTransport writes mails into the log. Links open accounts, so outside development it tells no
// more than to whom and about what.
type logTransport struct {
	log   *slog.Logger
	links bool
}

// Send implements Transport.
func (l *logTransport) Send(ctx context.Context, o *Outgoing) (string, error) {
	args := []any{"id", o.Row, "occasion", string(o.Occasion), "to", o.To, "from", o.From, "subject", masked(o.Subject)}
	if l.links {
		args = append(args, "links", linksOf(o.Text), "text", o.Text)
	}
	l.log.InfoContext(ctx, "mail", args...)
	return "written to the log", nil
}

// Local implements Transport.
func (l *logTransport) Local() bool { return true }

// Close implements Transport.
func (l *logTransport) Close() error { return nil }

var link = pattern.Of(`https?://[^\s<>"']+`)

// linksOf are the addresses in a text.
func linksOf(text string) []string {
	seen := map[string]bool{}
	var links []string
	for _, l := range link().FindAllString(text, -1) {
		if !seen[l] {
			seen[l] = true
			links = append(links, l)
		}
	}
	return links
}

// token is what a one-time link ends in.
var token = pattern.Of(`\b[0-9a-z]{1,13}-[0-9a-f]{20,64}\b`)

// masked takes links and their tokens out of a text that others will read: the log, the rows.
func masked(text string) string {
	return token().ReplaceAllString(link().ReplaceAllString(text, "[link]"), "[token]")
}
