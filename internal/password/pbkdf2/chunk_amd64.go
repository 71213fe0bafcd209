//go:build !purego

package pbkdf2

// chunk does n rounds, n ≥ 1: u is HMAC of u, t takes it in. See chunk_amd64.s.
//
//go:noescape
func chunk(c *chain, n int)

// cpuid asks what CPUID says about a leaf and its subleaf. x/sys/cpu does not tell of SHA on x86.
func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// hasSHA256 reports whether the CPU has the SHA instructions of chunk_amd64.s (Intel SDM volume 2,
// CPUID, leaf 7); the others there are SSE2, which is part of amd64, and so are the registers.
func hasSHA256() bool {
	const sha = 1 << 29
	if last, _, _, _ := cpuid(0, 0); last < 7 {
		return false
	}
	_, features, _, _ := cpuid(7, 0)
	return features&sha != 0
}
