package store

import "os"

// Stats is the database at one moment. Counters begin at Open.
type Stats struct {
	// Updates are those that ended well, Commits the transactions that they took; on SQLite
	// several share one, and one sync of the disk.
	Updates, Commits int64
	// WALBytes is the size of the -wal file, 0 where there is none.
	WALBytes int64
	// Open and InUse are connections.
	Open, InUse int
}

// Stats costs some locks and, on SQLite, one stat of a file.
func (d *DB) Stats() Stats {
	pool := d.read.Stats()
	s := Stats{Open: pool.OpenConnections, InUse: pool.InUse}
	s.Updates = d.updates.Load()
	s.Commits = s.Updates
	w := d.writer
	if w == nil {
		return s
	}
	s.Commits = w.commits.Load()
	if info, err := os.Stat(d.path + "-wal"); err == nil {
		s.WALBytes = info.Size()
	}
	s.Open += w.pool.Stats().OpenConnections // in use, says database/sql, as long as it is open
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken {
		s.InUse++
	}
	return s
}
