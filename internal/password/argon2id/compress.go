package argon2id

import "math/bits"

// compressGo sets out to G(x, y) of RFC 9106 §3.5, or adds it (exclusive or) to what out has. The
// three must not overlap.
func compressGo(out, x, y *block, add bool) {
	var r block
	for i := range r {
		r[i] = x[i] ^ y[i]
	}
	z := r
	for i := 0; i < blockWords; i += 16 { // rows of eight 16-byte registers
		permute(&z[i], &z[i+1], &z[i+2], &z[i+3], &z[i+4], &z[i+5], &z[i+6], &z[i+7],
			&z[i+8], &z[i+9], &z[i+10], &z[i+11], &z[i+12], &z[i+13], &z[i+14], &z[i+15])
	}
	for i := 0; i < 16; i += 2 { // columns
		permute(&z[i], &z[i+1], &z[i+16], &z[i+17], &z[i+32], &z[i+33], &z[i+48], &z[i+49],
			&z[i+64], &z[i+65], &z[i+80], &z[i+81], &z[i+96], &z[i+97], &z[i+112], &z[i+113])
	}
	if add {
		for i := range out {
			out[i] ^= z[i] ^ r[i]
		}
		return
	}
	for i := range out {
		out[i] = z[i] ^ r[i]
	}
}

// permute is P of RFC 9106 §3.6 on sixteen words, the rows of a four by four matrix.
func permute(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15 *uint64) {
	v0, v1, v2, v3 := *p0, *p1, *p2, *p3
	v4, v5, v6, v7 := *p4, *p5, *p6, *p7
	v8, v9, v10, v11 := *p8, *p9, *p10, *p11
	v12, v13, v14, v15 := *p12, *p13, *p14, *p15

	v0, v4, v8, v12 = half(v0, v4, v8, v12, 32, 24)
	v1, v5, v9, v13 = half(v1, v5, v9, v13, 32, 24)
	v2, v6, v10, v14 = half(v2, v6, v10, v14, 32, 24)
	v3, v7, v11, v15 = half(v3, v7, v11, v15, 32, 24)
	v0, v4, v8, v12 = half(v0, v4, v8, v12, 16, 63)
	v1, v5, v9, v13 = half(v1, v5, v9, v13, 16, 63)
	v2, v6, v10, v14 = half(v2, v6, v10, v14, 16, 63)
	v3, v7, v11, v15 = half(v3, v7, v11, v15, 16, 63)

	v0, v5, v10, v15 = half(v0, v5, v10, v15, 32, 24)
	v1, v6, v11, v12 = half(v1, v6, v11, v12, 32, 24)
	v2, v7, v8, v13 = half(v2, v7, v8, v13, 32, 24)
	v3, v4, v9, v14 = half(v3, v4, v9, v14, 32, 24)
	v0, v5, v10, v15 = half(v0, v5, v10, v15, 16, 63)
	v1, v6, v11, v12 = half(v1, v6, v11, v12, 16, 63)
	v2, v7, v8, v13 = half(v2, v7, v8, v13, 16, 63)
	v3, v4, v9, v14 = half(v3, v4, v9, v14, 16, 63)

	*p0, *p1, *p2, *p3 = v0, v1, v2, v3
	*p4, *p5, *p6, *p7 = v4, v5, v6, v7
	*p8, *p9, *p10, *p11 = v8, v9, v10, v11
	*p12, *p13, *p14, *p15 = v12, v13, v14, v15
}

// half is one half of GB of RFC 9106 §3.6, which rotates right by d's and b's turn.
func half(a, b, c, d uint64, dTurn, bTurn int) (uint64, uint64, uint64, uint64) {
	a += b + 2*uint64(uint32(a))*uint64(uint32(b))
	d = bits.RotateLeft64(d^a, -dTurn)
	c += d + 2*uint64(uint32(c))*uint64(uint32(d))
	b = bits.RotateLeft64(b^c, -bTurn)
	return a, b, c, d
}
