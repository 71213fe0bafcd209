package argon2id

import (
	"fmt"
	"os"
	"testing"
)

// TestReleaseGivesMemoryBack asks the system, not the collector.
func TestReleaseGivesMemoryBack(t *testing.T) {
	const memory, slack = 64 << 10, 24 << 10 // KiB; slack for all else in the process
	var b Buffer
	before := resident(t)
	Key([]byte("x"), []byte("saltsalt"), 2, memory, 32, &b)
	during := resident(t)
	b.Release()
	if after := resident(t); during-before < memory-slack || after-before > slack {
		t.Errorf("resident KiB before, with and after a hash of %d: %d, %d, %d", memory, before, during, after)
	}
}

// resident is what proc(5)'s statm says, in KiB.
func resident(t *testing.T) int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() / 1024
}
