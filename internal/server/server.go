// Package server puts the parts together: it turns a configuration into a running server with
// its jobs, listens, drains and stops.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/mail"
	"doorward/internal/password"
	"doorward/internal/store"
	"doorward/internal/web"
)

// Options are what a Server gets from outside its configuration.
type Options struct {
	Now     func() time.Time
	Log     *slog.Logger
	Version string
	// Threads hashes passwords on threads of low priority, for a process that is this server's alone.
	Threads bool
	// Applied is told of each migration; nil: nobody.
	Applied func(store.Applied)
	// Patience is store.Options.Patience.
	Patience time.Duration
}

// Server is a configured Doorward.
type Server struct {
	cfg      *config.Config
	log      *slog.Logger
	clock    *Clock
	tick     func() time.Time // never turned: durations are measured with it
	version  string
	patience time.Duration
	pool     *password.Pool
	registry *prometheus.Registry
	requests *web.Metrics
	unlock   func()

	transport mail.Transport // nil: no mail is configured
	composer  *mail.Composer
	catcher   *mail.Catcher // development only
	mails     mail.Counts

	changing sync.RWMutex // a reset changes world
	world    *world
	home     *world // the configured one
	draining atomic.Bool
	shown    atomic.Pointer[tls.Certificate] // nil: TLS is not ours

	jobs sync.WaitGroup
	stop context.CancelFunc
}

// New opens the database, brings its schema up to date, and mounts what is configured. Nothing
// listens yet. Close the server in the end.
func New(ctx context.Context, cfg *config.Config, o Options) (s *Server, err error) {
	s = &Server{cfg: cfg, log: o.Log, clock: NewClock(o.Now), tick: o.Now, version: o.Version, patience: o.Patience, registry: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	root, secret, err := secrets(cfg)
	if err != nil {
		return s, err
	}
	p, err := planOf(cfg, root, secret)
	if err != nil {
		return s, err
	}
	if err := rehearse(cfg, p); err != nil { // before the database is touched
		return s, err
	}
	if err := s.ReloadCertificate(); err != nil {
		return s, err
	}
	s.pool = password.NewPool(password.Options{
		Threads: o.Threads, Slots: cfg.Password.Slots, MaxWait: time.Duration(cfg.Password.QueueSeconds) * time.Second,
		Params: password.Params{MemoryKiB: uint32(cfg.Password.MemoryKiB), Time: uint32(cfg.Password.Time), Threads: 1},
	})
	if s.composer, err = composerOf(cfg); err != nil {
		return s, err
	}
	if err := s.openTransport(); err != nil {
		return s, err
	}
	s.requests = web.NewMetrics(s.registry)
	s.measure()
	if s.home, err = s.open(ctx, p, o.Applied); err != nil {
		return s, err
	}
	s.world = s.home
	s.measureFeed()
	s.startJobs()
	return s, nil
}

// Accounts is the service over the database of the moment.
func (s *Server) Accounts() *account.Service { return s.now().accounts }

// now is the world of the moment.
func (s *Server) now() *world {
	s.changing.RLock()
	defer s.changing.RUnlock()
	return s.world
}

// Mounts are the mounts of the moment with their route tables, for reading.
func (s *Server) Mounts() []web.Mount { return s.now().site.Mounts() }

// Policy is the policy of a mount, nil when there is no such mount.
func (s *Server) Policy(mount string) *account.Policy {
	mounts := s.now().plan.mounts
	for i := range mounts {
		if mounts[i].name == mount {
			return &mounts[i].policy
		}
	}
	return nil
}

// Lock takes an SQLite database for this server alone; see store.DB.Lock.
func (s *Server) Lock() (err error) {
	s.unlock, err = s.home.db.Lock()
	return err
}

// The limits of a connection (SECURITY: slow clients, large headers).
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 20 * time.Second
	idleTimeout   = 60 * time.Second
	maxHeader     = 16 << 10 // bytes; net/http answers 431 beyond it, and 4 KiB more
)

// notice is how long a draining server still takes requests, so that whoever looks at /readyz
// sends the next ones elsewhere before the listener closes. A short drain has a shorter one.
const notice = time.Second

// Serve answers requests on ln until ctx is done, then drains: readiness goes first, connections
// are closed with their answers, then requests under way are finished for as long as the
// configuration allows.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		Protocols: s.protocols(), HTTP2: &limitsOfHTTP2,
	}
	serve := h.Serve
	if s.cfg.TLS.On() {
		h.TLSConfig = s.tlsConfig()
		serve = func(ln net.Listener) error { return h.ServeTLS(ln, "", "") }
	}
	if s.cfg.TrustedProxies == 0 && s.cfg.ConnectionsPerClient > 0 {
		ln = newFairListener(ln, s.cfg.ConnectionsPerClient)
	}
	ln = easyListener{ln}
	s.sendMails()
	failed := make(chan error, 1)
	go func() { failed <- serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	length := time.Duration(s.cfg.DrainSeconds) * time.Second
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), length)
	defer cancel()
	s.wait(drain, min(notice, length/2), failed)
	if err := h.Shutdown(drain); err != nil {
		_ = h.Close()
		s.log.Warn("requests were cut off at the end of the drain", "error", err)
	}
	<-failed
	return nil
}

// wait lets d pass, less when ctx ends or the listener fails before.
func (s *Server) wait(ctx context.Context, d time.Duration, failed chan error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case err := <-failed:
		failed <- err
	}
}

// Close stops the jobs and closes the databases.
func (s *Server) Close() error {
	if s.stop != nil {
		s.stop()
		s.jobs.Wait()
	}
	var errs []error
	if s.world != nil && s.world != s.home {
		errs = append(errs, s.world.close())
	}
	if s.home != nil {
		errs = append(errs, s.home.close())
	}
	if s.transport != nil {
		errs = append(errs, s.transport.Close())
	}
	if s.pool != nil {
		s.pool.Close()
	}
	if s.unlock != nil {
		s.unlock()
	}
	return errors.Join(errs...)
}
