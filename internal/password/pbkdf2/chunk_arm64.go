//go:build !purego

package pbkdf2

import "golang.org/x/sys/cpu"

// chunk does n rounds, n ≥ 1: u is HMAC of u, t takes it in. See chunk_arm64.s.
//
//go:noescape
func chunk(c *chain, n int)

// hasSHA256 reports whether the CPU has FEAT_SHA256 (Arm ARM, A64 advanced SIMD instructions).
func hasSHA256() bool { return cpu.ARM64.HasSHA2 }
