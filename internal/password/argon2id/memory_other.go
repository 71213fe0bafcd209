//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package argon2id

// mapMemory has n blocks from the heap.
func mapMemory(n int) ([]byte, []block) { return nil, make([]block, n) }

func unmapMemory([]byte) {}
