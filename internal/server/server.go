// Package server puts the parts together: it turns a configuration into a running server with
// its jobs, listens, drains and stops.
package server

import (
	"context"
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
	"doorward/internal/password"
	"doorward/internal/store"
	"doorward/internal/web"
)

// Options are what a Server gets from outside its configuration.
type Options struct {
	Now     func() time.Time
	Log     *slog.Logger
	Version string
	// Applied is told of each migration; nil: nobody.
	Applied func(store.Applied)
}

// Server is a configured Doorward.
type Server struct {
	cfg      *config.Config
	log      *slog.Logger
	clock    *Clock
	tick     func() time.Time // never turned: durations are measured with it
	version  string
	pool     *password.Pool
	registry *prometheus.Registry
	requests *web.Metrics
	unlock   func()

	changing sync.RWMutex // a reset changes world
	world    *world
	home     *world // the configured one
	draining atomic.Bool

	jobs sync.WaitGroup
	stop context.CancelFunc
}

// New opens the database, brings its schema up to date, and mounts what is configured. Nothing
// listens yet. Close the server in the end.
func New(ctx context.Context, cfg *config.Config, o Options) (s *Server, err error) {
	s = &Server{cfg: cfg, log: o.Log, clock: &Clock{base: o.Now}, tick: o.Now, version: o.Version, registry: prometheus.NewRegistry()}
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
	s.pool = password.NewPool(password.Options{
		Slots: cfg.Password.Slots, MaxWait: time.Duration(cfg.Password.QueueSeconds) * time.Second,
		Params: password.Params{MemoryKiB: uint32(cfg.Password.MemoryKiB), Time: uint32(cfg.Password.Time), Threads: 1},
	})
	s.requests = web.NewMetrics(s.registry)
	s.measure()
	if s.home, err = s.open(ctx, p, o.Applied); err != nil {
		return s, err
	}
	s.world = s.home
	s.startJobs()
	return s, nil
}

// Accounts is the service over the database of the moment.
func (s *Server) Accounts() *account.Service { return s.world.accounts }

// Policy is the policy of a mount, nil when there is no such mount.
func (s *Server) Policy(mount string) *account.Policy {
	for i := range s.world.plan.mounts {
		if m := &s.world.plan.mounts[i]; m.name == mount {
			return &m.policy
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

// Serve answers requests on ln until ctx is done, then drains: readiness goes first, requests
// under way are finished for as long as the configuration allows.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(s.cfg.DrainSeconds)*time.Second)
	defer cancel()
	if err := h.Shutdown(drain); err != nil {
		_ = h.Close()
		s.log.Warn("requests were cut off at the end of the drain", "error", err)
	}
	<-failed
	return nil
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
	if s.pool != nil {
		s.pool.Close()
	}
	if s.unlock != nil {
		s.unlock()
	}
	return errors.Join(errs...)
}
