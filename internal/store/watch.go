package store

import (
	"context"
	"errors"
	"time"
)

// unknownVersion is no data_version: it differs from every one.
const unknownVersion = -1

// Watch calls changed after other programs, or other DBs, committed to the SQLite file, until ctx
// ends. It also tells of what they committed since Open. Several commits may be one call; what
// this DB commits is none. Changed is called before any Update whose transaction sees the change
// runs its function, and in a quiet file every `every` is looked. It keeps writers waiting, so it
// returns soon; it may View but not Update, and it is not called any more once Watch has returned.
//
// A look costs 15 µs of CPU, 40 in a file that is not in WAL mode. A second Watch at the same time
// is an error. On PostgreSQL Watch returns errors.ErrUnsupported at once.
func (d *DB) Watch(ctx context.Context, every time.Duration, changed func()) error {
	w := d.writer
	if w == nil {
		return errors.ErrUnsupported
	}
	if !w.watch(nil, changed) {
		return errors.New("the database is watched already")
	}
	defer w.watch(changed, nil)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := w.peek(ctx); errors.Is(err, errClosed) {
			return err
		} else if err != nil && !sqliteLocked(err) { // it could not look, so it cannot say that nothing changed
			changed()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// watch puts changed in the place of nobody, or nobody in the place of changed.
func (w *writer) watch(was, changed func()) bool {
	w.watching.Lock()
	defer w.watching.Unlock()
	if (w.changed == nil) != (was == nil) {
		return false
	}
	w.changed = changed
	return true
}

// peek looks while nobody writes. Whoever writes looks by himself.
func (w *writer) peek(ctx context.Context) error {
	w.mu.Lock()
	taken := w.taken
	w.taken = true
	w.mu.Unlock()
	if taken {
		return nil
	}
	defer w.hand(nil)
	err := w.connect(ctx)
	if err == nil {
		if err = w.look(); err != nil && !sqliteLocked(err) {
			w.drop()
		}
	}
	return err
}

// look calls changed if another connection committed since the last look. That of a new connection
// cannot tell, and calls it. It needs the turn.
func (w *writer) look() error {
	w.watching.Lock()
	defer w.watching.Unlock()
	if w.changed == nil {
		return nil
	}
	version, err := w.dataVersion()
	if err == nil && version != w.version {
		w.version = version
		w.changed()
	}
	return err
}

// dataVersion changes when another connection committed (https://www.sqlite.org/pragma.html#pragma_data_version).
func (w *writer) dataVersion() (version int64, err error) {
	rows, err := w.prepared.QueryContext(context.Background(), `pragma data_version`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&version)
	}
	return version, errors.Join(err, rows.Err(), rows.Close())
}
