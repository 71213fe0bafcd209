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
