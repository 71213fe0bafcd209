package store

import (
	"errors"
	"fmt"
	"os"
)

// ErrLocked says that another process serves this SQLite file.
var ErrLocked = errors.New("the database is in use by another doorward serve")

// Lock takes an SQLite file for one serve; a second gets ErrLocked. The end of the process
// releases it too. Commands work beside it without the lock. On PostgreSQL it does nothing: any
// number of nodes share the database.
func (d *DB) Lock() (release func(), err error) {
	if d.path == "" {
		return func() {}, nil
	}
	release, err = lockFile(d.path + ".lock")
	if err != nil {
		return nil, err
	}
	if there, err := os.Stat(d.path); err != nil || !os.SameFile(there, d.file) {
		release()
		return nil, fmt.Errorf("%w: a restore has just replaced it", ErrLocked)
	}
	return release, nil
}
