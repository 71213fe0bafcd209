//go:build race

package servertest

// Under the race detector everything takes ten times as long, and the server's timeouts do not.
const (
	raceEnabled = true
	crowd       = 200
)
