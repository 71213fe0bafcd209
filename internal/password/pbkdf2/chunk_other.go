//go:build purego || !(amd64 || arm64)

package pbkdf2

func chunk(*chain, int) { panic("pbkdf2: built without the assembly") }

func hasSHA256() bool { return false }
