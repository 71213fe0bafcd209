package server

import (
	"context"
	"errors"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
)

// How often the jobs run, and how long a published key signs.
const (
	reloadEvery = time.Second // keys that another node, or the command, rotated or revoked (SECURITY T4: 2 s)
	sweepEvery  = time.Hour
	rotateEvery = 90 * day
	ageEvery    = time.Minute // that keys may be due for rotation
	learnEvery  = time.Hour   // which hashes there are

	sweepFeedEvery = 5 * time.Minute

	certificateEvery = time.Minute // that a new one may be in the files
)

// startJobs starts what runs beside requests. Each job has its own goroutine; Close waits for all.
func (s *Server) startJobs() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.every(ctx, reloadEvery, "reload keys", s.home.accounts.LoadKeys)
	s.every(ctx, ageEvery, "rotate keys", s.keepKeys)
	s.every(ctx, sweepEvery, "sweep sessions", s.home.accounts.Sweep)
	s.jobs.Go(func() { s.once(ctx, "learn hashes", s.home.accounts.LearnCrowd) })
	s.every(ctx, learnEvery, "learn hashes", s.home.accounts.LearnCrowd)
	if s.home.db.Engine() == store.PostgreSQL {
		s.every(ctx, sweepFeedEvery, "sweep the feed", s.sweepFeed)
	}
	s.every(ctx, certificateEvery, "reload the certificate", func(context.Context) error { return s.ReloadCertificate() })
	if s.home.sender != nil {
		s.every(ctx, sweepEvery, "sweep mails", s.home.sender.Sweep)
	}
}

// every runs job again and again, the first time after one interval.
func (s *Server) every(ctx context.Context, interval time.Duration, name string, job func(context.Context) error) {
	s.jobs.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			s.once(ctx, name, job)
		}
	})
}

// once runs a job, and logs its failure. Of an outage the store tells.
func (s *Server) once(ctx context.Context, name string, job func(context.Context) error) {
	if err := job(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, account.Unavailable) {
		s.log.Error("job failed", "job", name, "error", err)
	}
}

// keepKeys rotates the keys when their time has come.
func (s *Server) keepKeys(ctx context.Context) error {
	accounts := s.home.accounts
	age, err := accounts.KeyAge(ctx)
	if err != nil || age < rotateEvery {
		return err
	}
	return accounts.RotateKeys(ctx, s.longestAccess()+time.Minute)
}

// longestAccess is the longest life of a token that a published key signs.
func (s *Server) longestAccess() (longest time.Duration) {
	for _, m := range s.home.plan.mounts {
		if m.policy.Tokens.Signing == account.Published {
			longest = max(longest, m.policy.Tokens.Access)
		}
	}
	return longest
}
