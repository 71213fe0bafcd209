package token

import (
	"crypto/rsa"
	"fmt"
	"math/big"
)

// Bounds of RSA keys: RFC 7518 §3.3 wants 2048 bits at least, and a longer key than this costs more
// time than a token is worth.
const (
	minRSABits = 2048
	maxRSABits = 8192
	minRSAExp  = 65537 // FIPS 186-5 §5.4; an exponent of 1 makes every message its own signature
)

func judgeRSA(public *rsa.PublicKey) error {
	switch bits := public.N.BitLen(); {
	case bits < minRSABits || bits > maxRSABits:
		return fmt.Errorf("%w: RSA key of %d bits", ErrKey, bits)
	case public.E < minRSAExp || public.E&1 == 0:
		return fmt.Errorf("%w: RSA exponent %d", ErrKey, public.E)
	case isROCA(public.N):
		return fmt.Errorf("%w: RSA key of a generator that can be factored (CVE-2017-15361)", ErrKey)
	}
	return nil
}

// isROCA knows the keys of a broken generator by their fingerprint (Nemec et al., "The Return of
// Coppersmith's Attack", 2017, §3): modulo every small prime they are powers of 65537. A sound key
// is so by accident about once in 2^28.
func isROCA(n *big.Int) bool {
	for prime := int64(3); prime <= 167; prime += 2 {
		if !big.NewInt(prime).ProbablyPrime(0) {
			continue
		}
		rest := new(big.Int).Mod(n, big.NewInt(prime)).Int64()
		if !isPowerOf(65537%prime, rest, prime) {
			return false
		}
	}
	return true
}

func isPowerOf(base, x, prime int64) bool {
	power := int64(1)
	for range prime {
		if power == x {
			return true
		}
		power = power * base % prime
	}
	return false
}
