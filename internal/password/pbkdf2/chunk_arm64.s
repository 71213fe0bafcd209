//go:build !purego

#include "textflag.h"

// Everything a round needs stays in registers:
//
//	V0, V1    the hash value: A B C D and E F G H, A and E lowest
//	V2, V3    scratch: A B C D before four steps, W+K of them
//	V4 … V7   sixteen words of the message schedule
//	V8, V9    chain.inner, V10, V11 chain.outer, V12, V13 chain.t
//	V14, V15  words 8 to 15 of every message: 0x80000000 and zeros, then the length, 96 bytes = 768 bits
//	V16 … V31 the constants

#define MARK V14
#define SIZE V15

// STEPS does four steps of FIPS 180-4 §6.2.2 with words w and constants k.
#define STEPS(k, w) \
	VADD w.S4, k.S4, V3.S4       \
	VMOV V0.B16, V2.B16          \
	SHA256H V3.S4, V1, V0        \
	SHA256H2 V3.S4, V2, V1

// NEXT makes a the next four words of the schedule, from the sixteen before them, a to d.
#define NEXT(a, b, c, d) \
	SHA256SU0 b.S4, a.S4         \
	SHA256SU1 d.S4, c.S4, a.S4

// COMPRESS adds to V0, V1 the block that begins with the eight words in V4, V5.
#define COMPRESS \
	STEPS(V16, V4)               \
	NEXT(V4, V5, MARK, SIZE)     \
	STEPS(V17, V5)               \
	NEXT(V5, MARK, SIZE, V4)     \
	STEPS(V18, MARK)             \
	VMOV MARK.B16, V6.B16        \
	NEXT(V6, SIZE, V4, V5)       \
	STEPS(V19, SIZE)             \
	VMOV SIZE.B16, V7.B16        \
	NEXT(V7, V4, V5, V6)         \
	STEPS(V20, V4)               \
	NEXT(V4, V5, V6, V7)         \
	STEPS(V21, V5)               \
	NEXT(V5, V6, V7, V4)         \
	STEPS(V22, V6)               \
	NEXT(V6, V7, V4, V5)         \
	STEPS(V23, V7)               \
	NEXT(V7, V4, V5, V6)         \
	STEPS(V24, V4)               \
	NEXT(V4, V5, V6, V7)         \
	STEPS(V25, V5)               \
	NEXT(V5, V6, V7, V4)         \
	STEPS(V26, V6)               \
	NEXT(V6, V7, V4, V5)         \
	STEPS(V27, V7)               \
	NEXT(V7, V4, V5, V6)         \
	STEPS(V28, V4)               \
	STEPS(V29, V5)               \
	STEPS(V30, V6)               \
	STEPS(V31, V7)

// func chunk(c *chain, n int)
TEXT ·chunk(SB), NOSPLIT, $0-16
	MOVD c+0(FP), R0
	MOVD n+8(FP), R1

	MOVD $·constants(SB), R2
	VLD1.P 64(R2), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1.P 64(R2), [V20.S4, V21.S4, V22.S4, V23.S4]
	VLD1.P 64(R2), [V24.S4, V25.S4, V26.S4, V27.S4]
	VLD1 (R2), [V28.S4, V29.S4, V30.S4, V31.S4]
	MOVD R0, R2
	VLD1.P 64(R2), [V8.S4, V9.S4, V10.S4, V11.S4]
	VLD1.P 32(R2), [V4.S4, V5.S4]
	VLD1 (R2), [V12.S4, V13.S4]
	VEOR MARK.B16, MARK.B16, MARK.B16
	VEOR SIZE.B16, SIZE.B16, SIZE.B16
	MOVD $0x80000000, R3
	VMOV R3, MARK.S[0]
	MOVD $768, R3
	VMOV R3, SIZE.S[3]

round:
	VMOV V8.B16, V0.B16
	VMOV V9.B16, V1.B16
	COMPRESS
	VADD V8.S4, V0.S4, V4.S4
	VADD V9.S4, V1.S4, V5.S4

	VMOV V10.B16, V0.B16
	VMOV V11.B16, V1.B16
	COMPRESS
	VADD V10.S4, V0.S4, V4.S4
	VADD V11.S4, V1.S4, V5.S4
	VEOR V4.B16, V12.B16, V12.B16
	VEOR V5.B16, V13.B16, V13.B16

	SUB $1, R1
	CBNZ R1, round

	ADD $64, R0, R2
	VST1.P [V4.S4, V5.S4], 32(R2)
	VST1 [V12.S4, V13.S4], (R2)
	RET
