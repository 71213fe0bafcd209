package token

import (
	"crypto"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
)

// Alg is a signature algorithm (RFC 7518 §3, RFC 8037 §3.1). The zero Alg is none of them.
type Alg uint8

// The algorithms that are understood. PS*, ES384, ES512 and none are not.
const (
	HS256 Alg = iota + 1
	HS384
	HS512
	RS256
	RS384
	RS512
	ES256
	EdDSA // with Ed25519
)

type family uint8

const (
	noFamily family = iota
	hmacFamily
	rsaFamily
	ecFamily
	edFamily
)

var algorithms = [...]struct {
	name   string
	family family
	hash   crypto.Hash
}{
	{name: "no algorithm"},
	HS256: {"HS256", hmacFamily, crypto.SHA256},
	HS384: {"HS384", hmacFamily, crypto.SHA384},
	HS512: {"HS512", hmacFamily, crypto.SHA512},
	RS256: {"RS256", rsaFamily, crypto.SHA256},
	RS384: {"RS384", rsaFamily, crypto.SHA384},
	RS512: {"RS512", rsaFamily, crypto.SHA512},
	ES256: {"ES256", ecFamily, crypto.SHA256},
	EdDSA: {"EdDSA", edFamily, 0},
}

// ParseAlg finds an algorithm by its JOSE name, which is case-sensitive (RFC 7515 §4.1.1).
func ParseAlg(name string) (Alg, bool) {
	for i := range algorithms {
		if i > 0 && algorithms[i].name == name {
			return Alg(i), true
		}
	}
	return 0, false
}

// String gives the JOSE name.
func (a Alg) String() string { return algorithms[a.known()].name }

func (a Alg) family() family    { return algorithms[a.known()].family }
func (a Alg) hash() crypto.Hash { return algorithms[a.known()].hash }

func (a Alg) known() Alg {
	if int(a) >= len(algorithms) {
		return 0
	}
	return a
}
