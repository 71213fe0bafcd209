package argon2id

import "syscall"

const dontDump = 16 // MADV_DONTDUMP, which syscall lacks

// advise asks for huge pages, and to leave the memory out of core files. Either may be refused.
func advise(raw []byte) {
	_ = syscall.Madvise(raw, syscall.MADV_HUGEPAGE)
	_ = syscall.Madvise(raw, dontDump)
}
