package account

import (
	"context"
	"errors"
	"testing"
	"time"
)

// idReader has users with the ids first, first+step, …, and counts the blocks that are asked for.
type idReader struct {
	Reader
	count, step int64
	gone        map[int64]bool
	asked       int
}

func (r *idReader) UserIDs(_ context.Context, after int64, limit int) (ids []int64, err error) {
	r.asked++
	for id := max(after/r.step*r.step+r.step, r.step); id <= r.count*r.step && len(ids) < limit; id += r.step {
		if !r.gone[id] {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func TestADirectoryKnowsWhereAPageBegins(t *testing.T) {
	for _, count := range []int64{0, 1, 999, 1000, 1001, 2500, 3000} {
		r, d := &idReader{count: count, step: 3}, &directory{}
		seen, err := d.look(t.Context(), r, time.Unix(0, 0))
		if err != nil || seen.count != int(count) {
			t.Errorf("of %d users: got %d %v", count, seen.count, err)
		}
		for _, skip := range []int{0, 1, 998, 999, 1000, 1001, 1999, 2000, 2499, 2999} {
			if int64(skip) >= count {
				continue
			}
			before, err := seen.before(t.Context(), r, skip)
			if want := int64(skip) * 3; err != nil || before != want {
				t.Errorf("of %d users the page after %d begins behind id %d %v, want %d", count, skip, before, err, want)
			}
		}
	}
}

func TestADirectoryIsWalkedAnewInPieces(t *testing.T) {
	r, d := &idReader{count: 60_500, step: 1}, &directory{}
	now := time.Unix(0, 0)
	look := func(after time.Duration, count, asked int) {
		t.Helper()
		before := r.asked
		now = now.Add(after)
		seen, err := d.look(t.Context(), r, now)
		if err != nil || seen.count != count || r.asked-before != asked {
			t.Errorf("after %v: got %d users by %d blocks, %v, want %d by %d", after, seen.count, r.asked-before, err, count, asked)
		}
	}
	look(0, 60_500, 61)
	r.count++
	look(59*time.Second, 60_500, 0)
	look(time.Second, 60_500, 50)
	look(0, 60_501, 11)
	look(0, 60_501, 0)
	r.count = 900 // a small table is counted every time
	look(time.Minute, 900, 1)
	r.gone = map[int64]bool{7: true}
	look(0, 899, 1)
}

func TestADirectoryOfAHugeTableTakesSeveralRequests(t *testing.T) {
	r, d := &idReader{count: 2_000_100, step: 1}, &directory{}
	for i, want := range []Code{Busy, Busy, ""} {
		seen, err := d.look(t.Context(), r, time.Unix(0, 0))
		if want != "" && (!errors.Is(err, want) || Refusal(err).RetryAfter != time.Second) || want == "" && (err != nil || seen.count != 2_000_100) {
			t.Errorf("request %d: got %d %v, want %q", i, seen.count, err, want)
		}
	}
}

// slowReader answers when it may.
type slowReader struct {
	idReader
	begun, may chan struct{}
}

func (r *slowReader) UserIDs(ctx context.Context, after int64, limit int) ([]int64, error) {
	if after > 0 { // behind the first block
		r.begun <- struct{}{}
		<-r.may
	}
	return r.idReader.UserIDs(ctx, after, limit)
}

// TestNobodyWaitsForAWalk holds that who comes while somebody walks is answered at once, by what is known.
func TestNobodyWaitsForAWalk(t *testing.T) {
	slow, d, now := &slowReader{idReader{count: 1500, step: 1}, make(chan struct{}), make(chan struct{})}, &directory{}, time.Unix(0, 0)
	walked := make(chan error)
	walk := func(at time.Time) {
		go func() {
			_, err := d.look(t.Context(), slow, at)
			walked <- err
		}()
		<-slow.begun
	}
	end := func() {
		slow.may <- struct{}{}
		if err := <-walked; err != nil {
			t.Fatal(err)
		}
	}
	other := &idReader{count: 1500, step: 1}
	walk(now)
	if _, err := d.look(t.Context(), other, now); !errors.Is(err, Busy) {
		t.Errorf("while nothing is known: got %v, want %v", err, Busy)
	}
	end()
	later := now.Add(directoryAge)
	walk(later)
	if seen, err := d.look(t.Context(), other, later); err != nil || seen.count != 1500 {
		t.Errorf("while it is walked anew: got %d %v, want 1500", seen.count, err)
	}
	end()
}
