package argon2id

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

// BenchmarkKey has Doorward's own hash beside x/crypto's, taking turns so that a busy machine slows
// both: CPU time of the process in ms a hash, and the ratio.
func BenchmarkKey(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	password, salt := []byte("correct-horse-battery"), []byte("0123456789abcdef")
	var buffer Buffer
	defer buffer.Release()
	Key(password, salt, 2, 19456, 32, &buffer)
	var ours, theirs, wall time.Duration
	for b.Loop() {
		ours += cpu(func() { Key(password, salt, 2, 19456, 32, &buffer) })
		start := time.Now()
		theirs += cpu(func() { argon2.IDKey(password, salt, 2, 19456, 1, 32) })
		wall += time.Since(start)
	}
	n := float64(b.N)
	b.ReportMetric(ours.Seconds()*1e3/n, "cpu-ms")
	b.ReportMetric(theirs.Seconds()*1e3/n, "x/crypto-cpu-ms")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "ratio")
}

// cpu is the CPU time, user and system, that the process spent on f: x/crypto leaves the thread.
func cpu(f func()) time.Duration {
	before := used()
	f()
	return used() - before
}

func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkCompress(b *testing.B) {
	var x, y, out block
	b.Run("as it runs", func(b *testing.B) {
		for b.Loop() {
			compress(&out, &x, &y, true)
		}
	})
	b.Run("Go", func(b *testing.B) {
		for b.Loop() {
			compressGo(&out, &x, &y, true)
		}
	})
}
