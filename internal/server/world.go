package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"doorward/internal/account"
	"doorward/internal/mail"
	"doorward/internal/store"
	"doorward/internal/token"
	"doorward/internal/web"
)

// world is one condition of the server: a database, the service over it, and what is mounted.
type world struct {
	plan     *plan
	db       *store.DB
	accounts *account.Service
	site     *web.Site
	feed     *feed        // what other nodes change; nil on SQLite, and where nothing is remembered
	sender   *mail.Sender // nil: no mail is configured
	drop     func() error // takes a scratch database away; nil for the configured one
	unwatch  func()       // ends the watch for changes by other programs; nil: none runs
}

// open makes the world of a plan. report is told of each migration; nil: nobody.
func (s *Server) open(ctx context.Context, p *plan, report func(store.Applied)) (w *world, err error) {
	w = &world{plan: p}
	defer func() {
		if err != nil {
			_ = w.close()
			w = nil // closed once: the caller must not do it again
		}
	}()
	if w.db, err = store.Open(ctx, store.Options{URL: p.url, Model: p.model, Migrates: true, Patience: s.patience, Log: s.log}); err != nil {
		return w, err
	}
	if err = w.db.Migrate(ctx, report); err != nil {
		return w, err
	}
	instance, err := w.db.Instance(ctx)
	if err != nil {
		return w, fmt.Errorf("read the database's instance: %w", err)
	}
	o := account.Options{
		Store: w.db, Pool: s.pool, Root: token.NewRoot(p.root, instance), SecretKey: p.secret, Fallbacks: p.fallbacks,
		Now: s.clock.Now, Log: s.log,
	}
	switch {
	case w.db.Engine() == store.SQLite:
		o.Remember = true
	case p.model.Ours(): // what other programs change in their tables, nobody tells
		w.feed = newFeed(w.db, s.log, s.tick)
		o.Remember, o.Fresh, o.Spread = true, w.feed.fresh, w.feed.spread
	}
	if !s.cfg.Dev {
		o.Beat = refusalBeat
	}
	s.mailing(w, &o)
	w.accounts = account.New(o)
	if s.transport != nil {
		w.sender = s.newSender(w)
	}
	if err = w.accounts.LoadKeys(ctx); err != nil {
		return w, err
	}
	s.watch(w)
	w.site, err = s.site(w)
	return w, err
}

// refusalBeat hides small differences between refused sign-ins (SECURITY (e)).
const refusalBeat = 50 * time.Millisecond

// watchEvery is how often another program's changes of an SQLite file are looked for: they are
// noticed within twice that.
const watchEvery = 10 * time.Millisecond

// watch lets the service forget what another program or node changed.
func (s *Server) watch(w *world) {
	var job func(context.Context)
	switch {
	case w.feed != nil:
		w.feed.accounts = w.accounts
		job = w.feed.follow
	case w.db.Engine() == store.SQLite:
		job = func(ctx context.Context) {
			if err := w.db.Watch(ctx, watchEvery, w.accounts.Forget); err != nil {
				w.accounts.Distrust()
				s.log.Error("changes by other programs are not seen any more; everything is read from rows", "error", err)
			}
		}
	default:
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { job(ctx) })
	w.unwatch = func() { cancel(); running.Wait() }
}

// site mounts what the plan says over the world's service.
func (s *Server) site(w *world) (*web.Site, error) {
	var mounts []web.Mount
	for i := range w.plan.mounts {
		m, err := w.plan.mounts[i].mount(w.accounts, s.log)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, m)
	}
	if len(mounts) == 0 {
		return nil, errors.New("nothing is mounted\n  [mounts] names no mount\n  try: leave [mounts] out for all of them")
	}
	return web.NewSite(web.Options{
		Mounts: mounts, Operations: s.operations(w), Fallback: mounts[0].Dialect, Hosts: w.plan.hosts,
		Proxies: s.cfg.TrustedProxies, CORS: web.CORS{Origins: s.cfg.CORS.Origins}, Metrics: s.requests, Log: s.log, Now: s.tick,
		ShowPaths: s.cfg.Dev, HSTS: !s.cfg.Dev,
	})
}

func (w *world) close() error {
	var errs []error
	if w.unwatch != nil {
		w.unwatch()
	}
	if w.sender != nil {
		w.sender.Close()
	}
	if w.accounts != nil {
		w.accounts.Close()
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
	}
	if w.drop != nil {
		errs = append(errs, w.drop())
	}
	return errors.Join(errs...)
}

// ServeHTTP serves the world of the moment. Only development mode ever changes it, and waits
// for the requests that are under way; what asks for the change is not among those.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		w.Header().Set("Connection", "close") // the next request goes elsewhere
	}
	if !s.cfg.Dev {
		s.world.site.ServeHTTP(w, r)
		return
	}
	if isDevelopment(r.URL.Path) {
		s.now().site.ServeHTTP(w, r)
		return
	}
	s.changing.RLock()
	defer s.changing.RUnlock()
	s.world.site.ServeHTTP(w, r)
}
