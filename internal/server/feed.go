package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync/atomic"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
)

const (
	// followEvery is how often a node looks at the feed. A notification wakes it earlier.
	followEvery = 500 * time.Millisecond
	// freshFor is how long memory is trusted after the begin of the last good look.
	freshFor = 5 * time.Second
	// The next connection is tried after returnFirst, then after longer, up to returnMost.
	returnFirst = 50 * time.Millisecond
	returnMost  = time.Second
	// spreadFor is how long it is waited for all nodes to hear of a change, and spreadEvery how
	// often they are asked meanwhile.
	spreadFor   = 2 * time.Second
	spreadEvery = 20 * time.Millisecond
)

// feed keeps the memory of one node true: it follows what all nodes change, and says until when
// what memory holds may be taken for true. Its times are differences from begun, which no clock
// that is set changes, and which go on while the process is stopped.
type feed struct {
	db       *store.DB
	accounts *account.Service
	log      *slog.Logger
	tick     func() time.Time
	node     string
	begun    time.Time

	looked  atomic.Int64 // when the last good look began
	entries atomic.Int64 // that were told
}

// never is looked before the first look.
const never = -int64(time.Hour)

func newFeed(db *store.DB, log *slog.Logger, tick func() time.Time) *feed {
	f := &feed{db: db, log: log, tick: tick, node: rand.Text(), begun: tick()}
	f.looked.Store(never)
	return f
}

// age is how long ago the last good look began.
func (f *feed) age() time.Duration { return f.tick().Sub(f.begun) - time.Duration(f.looked.Load()) }

func (f *feed) fresh() bool { return f.age() < freshFor }

// follow follows the feed, on one connection after the other, until ctx ends.
func (f *feed) follow(ctx context.Context) {
	var cut time.Time // zero: it is not
	var wait time.Duration
	for ctx.Err() == nil {
		err := f.db.Follow(ctx, store.Follower{
			Node: f.node, Every: followEvery, Now: f.tick,
			Heed: func(ctx context.Context, began time.Time, changes []account.Change) error {
				if err := f.accounts.Heed(ctx, changes); err != nil {
					return err
				}
				f.looked.Store(int64(began.Sub(f.begun)))
				f.entries.Add(int64(len(changes)))
				if !cut.IsZero() {
					f.log.Info("the feed of changes is back", "after", f.tick().Sub(cut).Round(time.Millisecond))
				}
				cut, wait = time.Time{}, returnFirst
				return nil
			},
		})
		if ctx.Err() != nil {
			return
		}
		if cut.IsZero() {
			cut = f.tick()
			f.log.Warn("the feed of changes is cut; without it memory is trusted for a few seconds, then rows are read", "error", err)
		}
		pause(ctx, wait)
		wait = min(2*max(wait, returnFirst), returnMost)
	}
}

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// spread waits until all nodes have heard of a user's last change.
func (f *feed) spread(ctx context.Context, user int64) bool {
	ctx, cancel := context.WithTimeout(ctx, spreadFor)
	defer cancel()
	for ctx.Err() == nil {
		n, err := f.db.Unheard(ctx, user)
		if err == nil && n == 0 {
			return true
		}
		if err != nil && ctx.Err() == nil {
			f.log.Warn("ask which nodes know of a change", "user", user, "error", err)
			return false
		}
		pause(ctx, spreadEvery)
	}
	return false
}

// sweepStep is how many changes one transaction sweeps.
const sweepStep = 500

// sweepFeed deletes changes that every node has seen.
func (s *Server) sweepFeed(ctx context.Context) error {
	for {
		if n, err := s.home.db.SweepFeed(ctx, sweepStep); err != nil || n < sweepStep {
			return err
		}
	}
}
