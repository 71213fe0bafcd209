//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package argon2id

import (
	"syscall"
	"unsafe"
)

// mapMemory has n blocks from the system: memory that the collector does not see, and that comes back
// to the system when it is unmapped. It fits into whole huge pages, as a hash reads all over it.
func mapMemory(n int) ([]byte, []block) {
	const huge = 2 << 20
	size := n * blockBytes
	if size > huge/2 {
		size = (size + huge - 1) &^ (huge - 1)
	}
	raw, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, make([]block, n) // the collector decides whether there is memory
	}
	advise(raw)
	return raw, unsafe.Slice((*block)(unsafe.Pointer(&raw[0])), n)
}

func unmapMemory(raw []byte) {
	_ = syscall.Munmap(raw) // it fails on what mapMemory did not make, never else
}
