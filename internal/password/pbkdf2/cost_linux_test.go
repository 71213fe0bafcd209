package pbkdf2

import (
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkKey reports what 100,000 rounds cost in CPU time of this thread, by Key and by
// crypto/pbkdf2, and their ratio. The two take turns, so that a busy machine slows both, and the
// figures are medians over the turns; only the ratio is worth quoting.
func BenchmarkKey(b *testing.B) {
	force(b, true)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const rounds, turn = 100_000, 5_000
	password, salt := []byte("correct-horse-17"), []byte("seasalt")
	var ours, theirs, ratios []float64
	for b.Loop() {
		for range rounds / turn {
			begin := threadMillis(b)
			Key(password, salt, turn, 32)
			between := threadMillis(b)
			reference(b, password, salt, turn, 32)
			end := threadMillis(b)
			ours, theirs = append(ours, between-begin), append(theirs, end-between)
			ratios = append(ratios, (end-between)/(between-begin))
		}
	}
	b.ReportMetric(median(ours)*rounds/turn, "ms-CPU/100k")
	b.ReportMetric(median(theirs)*rounds/turn, "crypto-ms-CPU/100k")
	b.ReportMetric(median(ratios), "times-less")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// BenchmarkChunk is how long Go cannot preempt.
func BenchmarkChunk(b *testing.B) {
	force(b, true)
	c := newChain([]byte("correct-horse-17"))
	for b.Loop() {
		chunk(&c, chunkRounds)
	}
}

// threadMillis reads the clock behind getrusage's figures, which themselves stand still between two
// ticks of the kernel.
func threadMillis(b *testing.B) float64 {
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used); err != nil {
		b.Fatal(err)
	}
	return float64(used.Nano()) / 1e6
}
