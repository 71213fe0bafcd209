package server

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"doorward/internal/web/native"
)

// operations are the paths that operators and other machines ask, beside the mounts.
func (s *Server) operations(w *world) map[string]http.Handler {
	ops := map[string]http.Handler{
		"/healthz":               get(s.health),
		"/readyz":                get(s.ready(w)),
		"/metrics":               s.guarded(promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})),
		"/.well-known/jwks.json": native.JWKS(w.accounts),
		"/openapi.json":          get(s.openAPI(w)),
	}
	if s.cfg.Dev {
		for _, path := range []string{"/dev/reset", "/dev/clock", "/dev/mail", "/dev/{rest...}"} {
			ops[path] = http.HandlerFunc(s.development)
		}
	}
	return ops
}

func get(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			status(w, http.StatusMethodNotAllowed, "method not allowed")
			return
		}
		h(w, r)
	})
}

// status answers a probe: a word for people, the status for machines.
func status(w http.ResponseWriter, code int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(word + "\n"))
}

// health says that the process answers.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusOK, "ok") }

// readyTimeout is how long a probe waits for the database.
const readyTimeout = 2 * time.Second

// ready says whether requests should come here: not while the server drains or its database is away.
func (s *Server) ready(world *world) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			status(w, http.StatusServiceUnavailable, "draining")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := world.db.Ping(ctx); err != nil { // the store logs when that begins and ends
			s.log.Debug("not ready", "error", err)
			status(w, http.StatusServiceUnavailable, "the database does not answer")
			return
		}
		status(w, http.StatusOK, "ready")
	}
}

// guarded lets in who is on this machine with no proxy between, or who has the token.
func (s *Server) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		want := s.cfg.Metrics.Token
		switch {
		case want != "" && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1:
		case want == "" && s.cfg.TrustedProxies == 0 && isLoopback(r.RemoteAddr) && r.Header.Get("X-Forwarded-For") == "":
		default:
			status(w, http.StatusForbidden, "forbidden")
			return
		}
		h.ServeHTTP(w, r)
	})
}

func isLoopback(address string) bool {
	peer, err := netip.ParseAddrPort(address)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}

// measure registers the gauges of what is not a request.
func (s *Server) measure() {
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func() float64) {
		s.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	counter := func(name, help string, value func() float64) {
		s.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	gauge("doorward_hashes_waiting", "Passwords waiting to be hashed.", func() float64 { return float64(s.pool.Stats().Waiting) })
	gauge("doorward_hashes_running", "Passwords being hashed.", func() float64 { return float64(s.pool.Stats().Running) })
	counter("doorward_hashes_total", "Passwords hashed.", func() float64 { return float64(s.pool.Stats().Total) })
	gauge("doorward_mails_waiting", "Mails in the outbox that are not sent yet.", s.waitingMails)
	counter("doorward_mails_sent_total", "Mails that were sent.", func() float64 { return float64(s.mails.Sent.Load()) })
	counter("doorward_mails_failed_total", "Mails that were given up.", func() float64 { return float64(s.mails.Failed.Load()) })
	counter("doorward_mails_deferred_total", "Tries to send a mail that will be repeated.", func() float64 { return float64(s.mails.Deferred.Load()) })
	counter("doorward_hashes_shed_total", "Requests refused because too many passwords waited.", func() float64 { return float64(s.pool.Stats().Shed) })
}

// measureFeed registers the gauges of the feed, where there is one.
func (s *Server) measureFeed() {
	f := s.home.feed
	if f == nil {
		return
	}
	s.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "doorward_feed_age_seconds",
			Help: "Time since the last good look at what other nodes changed. Above 5, rows are read.",
		}, func() float64 { return f.age().Seconds() }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "doorward_feed_entries_total", Help: "Changes that the feed told of.",
		}, func() float64 { return float64(f.entries.Load()) }),
	)
}
