package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"doorward/internal/password"
)

// A crowd is the mixture of stored hashes that the users have. Somebody who is not there is taken
// for one of them, always the same, so that the time of an answer does not tell: imported hashes
// cost other work than our own.
type crowd []likeness

// likeness stands for the users whose hashes cost the same. Who draws a number below upTo, and not
// below that of the one before, is taken for one of them; who draws a higher one than all, for
// somebody with a hash of our own.
type likeness struct {
	encoded string
	upTo    float64 // of 0 to 1
}

// Of each of so many places in the table so many users in a row are looked at.
const (
	crowdPlaces = 32
	crowdInRow  = 64
)

// LearnCrowd looks at some of the users. It is called at the start and now and then: as imported
// users sign in, their hashes become our own, and the crowd follows.
func (s *Service) LearnCrowd(ctx context.Context) error {
	counts := map[string]int{} // by likeness
	err := s.store.View(ctx, func(r Reader) error {
		end, err := beyond(ctx, r)
		if err != nil {
			return err
		}
		for place := range crowdPlaces {
			after := newSessionID() % end
			if place == 0 {
				after = 0
			}
			hashes, err := r.Passwords(ctx, after, crowdInRow)
			if err != nil {
				return err
			}
			for _, hash := range hashes {
				counts[password.Likeness(hash)]++
			}
			if place == 0 && len(hashes) < crowdInRow {
				break // these were all
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("learn which hashes there are: %w", err)
	}
	c := newCrowd(counts, password.Likeness(s.pool.Blank()))
	s.crowd.Store(&c)
	return nil
}

// beyond is an id that no user has, nor any above it: at most twice the highest there is.
func beyond(ctx context.Context, r Reader) (int64, error) {
	for end := int64(1); ; end *= 2 {
		ids, err := r.UserIDs(ctx, end-1, 1)
		if err != nil || len(ids) == 0 || end > 1<<61 {
			return end, err
		}
	}
}

// newCrowd leaves out what costs the same as a hash of our own, which is what everybody else draws,
// and people without a hash, who are taken for one of the crowd themselves. The others come in an
// order of their own, so that one which grows rarer moves few borders.
func newCrowd(counts map[string]int, own string) (c crowd) {
	total, sum := 0, 0
	for encoded, n := range counts {
		if encoded != "" {
			total += n
		}
	}
	for _, encoded := range slices.Sorted(maps.Keys(counts)) {
		if encoded != "" && encoded != own {
			sum += counts[encoded]
			c = append(c, likeness{encoded, float64(sum) / float64(total)})
		}
	}
	return c
}

// imitate does for a login that nobody has, or somebody without a password that can be checked, the work of checking a password of somebody.
func (s *Service) imitate(ctx context.Context, login, text string) error {
	if like := s.crowd.Load().of(s.draw(login)); like != "" {
		_, err := s.pool.Verify(ctx, like, text)
		return err
	}
	return s.pool.Dummy(ctx, text)
}

// of is the hash of whoever drew a number; "" for one of our own.
func (c *crowd) of(drawn float64) string {
	if c == nil {
		return ""
	}
	for _, l := range *c {
		if drawn < l.upTo {
			return l.encoded
		}
	}
	return ""
}

// draw gives a login a number of 0 to 1, the same for each spelling that finds the same user.
func (s *Service) draw(login string) float64 {
	mac := hmac.New(sha256.New, s.likeness.Bytes())
	mac.Write([]byte(FoldEmail(login)))
	return float64(binary.BigEndian.Uint64(mac.Sum(nil))>>11) / (1 << 53)
}

// hold lets a refusal that began at start wait for the next beat, so that small differences of time
// do not tell; a caller that is gone is not waited for.
func (s *Service) hold(ctx context.Context, start time.Time) {
	if s.beat <= 0 {
		return
	}
	took := s.now().Sub(start)
	select {
	case <-time.After(s.beat - max(took, 0)%s.beat):
	case <-ctx.Done():
	}
}
