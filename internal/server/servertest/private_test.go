package servertest

import (
	"bytes"
	"fmt"
	"maps"
	"testing"

	"doorward/internal/config"
	"doorward/internal/mail/mailtest"
)

// mailingPaths are the routes that mail a link to whose address it is.
var mailingPaths = []string{"/auth/users/reset_password/", "/auth/users/reset_username/", "/auth/users/resend_activation/"}

// startMailing is a server in serve's own mode that mails, and has the users of populate.
func startMailing(t *testing.T, engine string) *Server {
	t.Helper()
	smtp := (&mailtest.Server{}).Start(t)
	s := Start(t, engine, func(cfg *config.Config) {
		Production(cfg)
		cfg.MailURL, cfg.PublicURL = smtp.URL("smtp")+"?tls=none", "https://app.example.com"
		cfg.Mounts = map[string]config.Mount{"djoser": {Preset: "djoser", Mails: []string{"activation"}}}
	})
	s.populate(t)
	return s
}

// TestAnswersDoNotTellAddresses is G2 of the routes that mail a link: status, headers and body are the same
// whoever has the address, and whoever has none.
func TestAnswersDoNotTellAddresses(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			s := startMailing(t, engine)
			for _, path := range mailingPaths {
				want := s.Send(t, "POST", path, map[string]any{"email": "nobody@example.com"})
				for _, name := range []string{"known1", "disabled1", "nopassword1"} {
					got := s.Send(t, "POST", path, map[string]any{"email": name + "@example.com"})
					if diff := differs(got, want); diff != "" {
						t.Errorf("POST %s for %s: %s", path, name, diff)
					}
				}
			}
		})
	}
}

// differs says in what two answers differ, but for their date and the number of the request.
func differs(a, b *Reply) string {
	ah, bh := maps.Clone(a.Header), maps.Clone(b.Header)
	for _, name := range []string{"Date", "X-Request-Id"} {
		ah.Del(name)
		bh.Del(name)
	}
	if got, want := fmt.Sprint(a.Status, ah), fmt.Sprint(b.Status, bh); got != want {
		return "got: " + got + " want: " + want
	}
	if !bytes.Equal(a.Body, b.Body) {
		return fmt.Sprintf("got: %s want: %s", a.Body, b.Body)
	}
	return ""
}
