package argon2id

// assembly says that the processor has AVX2 and the system saves its registers.
var assembly = hasAVX2()

func compress(out, x, y *block, add bool) {
	if assembly {
		compressAVX2(out, x, y, add)
		return
	}
	compressGo(out, x, y, add)
}

// compressAVX2 is compressGo.
//
//go:noescape
func compressAVX2(out, x, y *block, add bool)

// cpuid is the instruction, for a leaf and subleaf.
func cpuid(leaf, subleaf uint32) (a, b, c, d uint32)

// xgetbv0 is the low half of XCR0; only where cpuid says OSXSAVE.
func xgetbv0() uint32

// hasAVX2 follows Intel's Software Developer's Manual, volume 1, §14.3 and §14.7.1.
func hasAVX2() bool {
	const osxsave, avx, avx2, ymm = 1 << 27, 1 << 28, 1 << 5, 1<<1 | 1<<2
	if leaves, _, _, _ := cpuid(0, 0); leaves < 7 {
		return false
	}
	if _, _, c, _ := cpuid(1, 0); c&osxsave == 0 || c&avx == 0 || xgetbv0()&ymm != ymm {
		return false
	}
	_, b, _, _ := cpuid(7, 0)
	return b&avx2 != 0
}
