//go:build linux

package main

// What was measured, and where. CPU in µs of one core, sizes in bytes.
const (
	// docs/figures.md, SQLite, 22 November 2026, quiet machine.
	meCPU      = 74
	signInCPU  = 21_700 // nearly all of it the hash
	refreshCPU = 304    // SQLite and its commit included
	// `go run ./bench --engine postgres --only me,refresh --repeats 1 --window 2s`, 22 November 2026, a
	// machine with other work: 530 and 1269 with PostgreSQL's own CPU, which is taken off here.
	missCPU       = 415
	refreshPgCPU  = 900
	sqliteMissCPU = 60 // not measured: two reads by key at 20 to 50 µs (SECURITY (g)), and a verification

	// `go run ./bench/simulate --measure URL`, 22 November 2026, PostgreSQL 15 with its usual settings.
	pgReadCPU     = 57 // one row by key, a round trip
	pgRefreshCPU  = 250
	pgSignInCPU   = 670
	pgEndCPU      = 370
	userBytes     = 537 // with its five indexes
	sessionBytes  = 182 // with its four
	sessionHeap   = 101
	sessionKey    = 28
	userHeap      = 303
	userKey       = 23
	sqliteUser    = 393
	sqliteSession = 107
	walRefresh    = 185 // its page is in the log already
	// The first change of a page after a checkpoint, which takes the whole page along:
	walFirst      = 7600   // a refresh: HOT, one page
	walFull       = 19_600 // a refresh where no row of its page was changed before: not HOT, three pages
	walCompressed = 2860   // walFirst with wal_compression (pglz)
	walSignIn     = 23_400
	walEnd        = 19_700
	// sqliteWrites are refreshes a second that one core and its disk carried.
	sqliteWrites = 3194
)

// The feed as it is (docs/adr/0011-how-nodes-tell-each-other.md); the last two are not measured.
const (
	feedPolls      = 2.0     // a second, of each node
	feedHeartbeats = 2.0     // at most: with each look that found something
	feedLife       = 3600.0  // seconds that a row stays in the table
	feedKept       = 360.0   // seconds that an ended session is noted beyond the life of an access token
	feedMost       = 131_072 // sessions noted; over it everything is forgotten
	feedEntry      = 56.0    // bytes in memory
	feedWrites     = 1000    // a second: commits that notify take turns, each for 1 ms
)

// wire is what a request and its answer take, with headers; not measured.
const wire = 1500
