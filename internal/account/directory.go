package account

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// directory knows how many users or profiles of a kind there are, and which ones begin a page, without a count or an
// offset in SQL: it walks the ids, keeps every thousandth, and does so in pieces, so that no request pays for more than one.
type directory struct {
	kind    string     // of profile; "": users
	walking sync.Mutex // of the request that walks: nobody waits for it, who holds a connection
	next    walk       // what will be answered by

	mu      sync.Mutex
	current walk // what is answered by
	made    time.Time
}

// directoryOf is the directory of the profiles of a kind.
func directoryOf(kind string) *directory { return &directory{kind: kind} }

// walk is how far the ids were walked.
type walk struct {
	kind   string  // of profile; "": users
	starts []int64 // the id before each block
	last   int64
	count  int
	whole  bool
}

// Sizes of a directory. Ids are read in blocks; a table of one block is read at every request, so that small ones
// are always counted exactly.
const (
	directoryBlock = 1000
	directoryFirst = 1000 // blocks that a request walks where nothing is known yet: about a second
	directoryPiece = 50   // while there is something to answer by
	directoryAge   = time.Minute
)

// look brings the directory as far as one request may, and gives what to answer by; Busy while it knows nothing whole.
func (d *directory) look(ctx context.Context, r Reader, now time.Time) (walk, error) {
	known, made := d.known()
	large := known.count >= directoryBlock
	if large && now.Sub(made) < directoryAge {
		return known, nil
	}
	first := walk{kind: d.kind}
	if !large {
		if err := first.on(ctx, r, 1); err != nil {
			return walk{}, err
		}
		if first.whole {
			d.keep(first, now)
			return first, nil
		}
	}
	if d.walking.TryLock() {
		defer d.walking.Unlock()
		blocks := directoryPiece
		if !large {
			blocks = directoryFirst
		}
		if d.next.last == 0 {
			d.next = first
		}
		if err := d.next.on(ctx, r, blocks-len(first.starts)); err != nil {
			return walk{}, err
		}
		if d.next.whole {
			known, large, d.next = d.next, true, walk{}
			d.keep(known, now)
		}
	}
	if !large {
		return walk{}, &Error{Problems: []Problem{{Code: Busy}}, RetryAfter: time.Second}
	}
	return known, nil
}

func (d *directory) known() (walk, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current, d.made
}

func (d *directory) keep(w walk, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current, d.made = w, now
}

// ids lists what is walked.
func (w *walk) ids(ctx context.Context, r Reader, after int64, limit int) ([]int64, error) {
	if w.kind != "" {
		return r.ProfileIDs(ctx, w.kind, after, limit)
	}
	return r.UserIDs(ctx, after, limit)
}

// on walks so many blocks further, or to the end.
func (w *walk) on(ctx context.Context, r Reader, blocks int) error {
	for range blocks {
		ids, err := w.ids(ctx, r, w.last, directoryBlock)
		if err != nil {
			return err
		}
		w.starts = append(w.starts, w.last)
		w.count += len(ids)
		if len(ids) < directoryBlock {
			w.whole = true
			return nil
		}
		w.last = ids[len(ids)-1]
	}
	return nil
}

// before is the id that so many of them stand up to.
func (w *walk) before(ctx context.Context, r Reader, skip int) (int64, error) {
	block, rest := skip/directoryBlock, skip%directoryBlock
	if block >= len(w.starts) {
		return w.last, nil
	}
	if rest == 0 {
		return w.starts[block], nil
	}
	ids, err := w.ids(ctx, r, w.starts[block], rest)
	if err != nil || len(ids) == 0 {
		return w.starts[block], err
	}
	return ids[len(ids)-1], nil
}

// page finds what comes after so many others, and hands the id before it to list, which reads it. It tells how many there are.
func (d *directory) page(ctx context.Context, s *Service, skip int, list func(r Reader, after int64) error) (count int, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		seen, err := d.look(ctx, r, s.now())
		if err != nil {
			return err
		}
		count = seen.count
		after, err := seen.before(ctx, r, skip)
		if err == nil && skip < count {
			err = list(r, after)
		}
		return err
	})
	return count, err
}

// PeoplePage is People in pages: the users after so many others, and how many there are. That number, and where a page
// begins, may be a minute old where there are more than a thousand. Codes: Busy.
func (s *Service) PeoplePage(ctx context.Context, p *Policy, who *Principal, skip, limit int) (page []User, count int, err error) {
	if p.hides(who) {
		page, err = s.People(ctx, p, who)
		count = len(page)
		return page[min(skip, count):min(skip+limit, count)], count, err
	}
	count, err = s.people.page(ctx, s, skip, func(r Reader, after int64) (err error) {
		page, err = r.Users(ctx, after, limit)
		return err
	})
	if err != nil && Refusal(err) == nil {
		return nil, 0, fmt.Errorf("list users: %w", err)
	}
	return page, count, err
}
