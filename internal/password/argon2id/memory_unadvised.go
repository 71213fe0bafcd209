//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package argon2id

func advise([]byte) {}
