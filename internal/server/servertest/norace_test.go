//go:build !race

package servertest

// crowd is how many requests come at once where one may win.
const (
	raceEnabled = false
	crowd       = 1000
)
