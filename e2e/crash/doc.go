// Package crash holds the tests that kill the real server: by SIGKILL (TestKill), by a power cut
// that forgets what was not synced (TestPowerLoss), and politely, one node after the other under
// load (TestRollingRestart). The commands that change a whole database are killed too (TestKillMigration,
// TestKillBackup, TestKillRestore). Others take away what it stands on and give it back: its PostgreSQL
// (TestDatabaseAway, TestTwoBottlenecks), its disk (TestNoRoom), its files (TestFewFiles); or its
// clients are slow, rude or gone (TestSlowClients, TestJunkFlood, TestCancelledRequestsLeaveNothing). And
// there are several nodes on one PostgreSQL that is cut off, or stopped with SIGSTOP, while tokens end
// (nodes_test.go, TestHistory).
// They own what a crash or a lack may do to what was answered; what the answers mean is account's to say.
//
// # What must hold
//
// Each of the writers works on users of its own, one request after the other. Its journal gets a
// line before a request, and one after the whole answer, which is synced before it goes on. From
// the second line on the answer's fact holds. So when the server dies each writer has at most one
// request without an answer, and for the user of that request there are two worlds: the one before
// it and the one after it. A check asks everything about a user and wants all answers from one of
// the two worlds: a request may be lost or done, never half.
//
// The refresh token of the newest answer works in both worlds when the lost request was a refresh:
// before it the token is the session's own; after it, the last but one, and for ten seconds that
// gives the same successor again. Both times asking twice gives one successor. The check turns the
// server's clock back to the moment of the crash, so that no slow machine decides between grace
// and reuse. A token spent before the newest answer is a reuse by then: it is refused and ends the
// session, also the successor that was just given out.
//
// # Power
//
// TestPowerLoss records with strace what a server writes and syncs, and where each answer begins to
// leave. A cut replays the record up to a line onto a disk that keeps of each file what a sync
// covered and of the folder what its own sync did; of the rest nothing, something or everything is
// left. Every answer that had begun to leave must hold on what is found. In the end it is shown
// that the same record loses facts where the log's syncs are ignored: a test that cannot fail
// proves nothing.
//
// # Away
//
// A wire is a TCP proxy before PostgreSQL that cuts, swallows, delays, or resets a connection when the
// answer to a commit passes. The load behind it signs people up, asks who they are and signs them out,
// and asks again after each 503. Every request must be answered, soon, and right: somebody who was
// told that he is signed out is never let in, somebody who was not is never told so.
//
// A disk is filled in a mount name space of the server's own, where this machine lets one mount; where
// it doesn't, a limit of the file size shows the same. Errors of a disk are injected by strace.
//
// # Several nodes
//
// Each node has a wire of its own to PostgreSQL, which a test cuts: connections refused, swallowed, or
// the feed's alone. TestHistory does random operations at three of them. Each person's requests come
// one after the other, and a set is kept of all lives that he may have had: an operation with an
// answer leaves those that would have been answered so; one without leaves both, that it happened
// and that it did not. No life left is a failure. Only reading may be answered from memory: a token
// that is dead in all lives may be good for five seconds, at a node that did not end it.
//
// # Running it
//
//	go test ./e2e/crash
//	go test ./e2e/crash -timeout 1h -v -run TestKill -kills 200 -life 2s
//	go test ./e2e/crash -timeout 1h -v -run TestPowerLoss -cuts 100
//	go test ./e2e/crash -timeout 1h -v -run TestRollingRestart -restarts 20 -rate 200
//	go test ./e2e/crash -timeout 1h -v -run 'TestKillMigration|TestKillBackup|TestKillRestore' -migrations 50 -backups 50
//	go test ./e2e/crash -timeout 1h -v -parallel 1 -soak -gone 30s -run TestDatabaseAway
//	go test ./e2e/crash -timeout 1h -v -run TestRevocations -revocations 500 -tight
//	go test ./e2e/crash -timeout 1h -v -run TestHistory -steps 1000
//
// Each run prints its seed, and a failed one the command that repeats it: the same steps, moments
// and cuts, though threads may meet differently.
//
// They want sqlite3 and PostgreSQL's programs, TestNoRoom prlimit (util-linux), and it and TestPowerLoss
// strace (and the right to trace processes of one's own). What is missing skips its test, and fails it where CI is set.
package crash
