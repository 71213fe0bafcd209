//go:build !amd64

package argon2id

func compress(out, x, y *block, add bool) { compressGo(out, x, y, add) }
