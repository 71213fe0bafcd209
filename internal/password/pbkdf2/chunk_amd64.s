//go:build !purego

#include "textflag.h"

// Everything a round needs stays in registers:
//
//	X0        W+K of four steps, which SHA256RNDS2 takes from there
//	X1, X2    the hash value as SHA256RNDS2 wants it: A B E F and C D G H, A and C on top
//	X3 … X6   sixteen words of the message schedule, the first word of each four lowest
//	X7        scratch
//	X8, X9    chain.inner, X10, X11 chain.outer, X12, X13 chain.t, in the order of X1, X2
//	X14, X15  words 8 to 15 of every message: 0x80000000 and zeros, then the length, 96 bytes = 768 bits
//
// The message of a round is the hash value before it, so its words never turn to bytes.

#define ABEF X1
#define CDGH X2
#define MARK X14
#define SIZE X15

// STEPS does four steps of FIPS 180-4 §6.2.2 with words w and the constants at k. After two steps
// the former A B E F are C D G H, so one instruction writes over what the other has read.
#define STEPS(k, w) \
	MOVOU k(AX), X0              \
	PADDD w, X0                  \
	SHA256RNDS2 X0, ABEF, CDGH   \
	PSHUFD $0x0e, X0, X0         \
	SHA256RNDS2 X0, CDGH, ABEF

// NEXT makes a the next four words of the schedule, from the sixteen before them, a to d. Of the
// words 9 to 12 that it adds, the last is d's first, which only the fourth new word needs: it comes
// after SHA256MSG2, so that from d to a it is two instructions. Those are all that could make
// STEPS wait.
#define NEXT(a, b, c, d) \
	SHA256MSG1 b, a              \
	MOVO c, X7                   \
	PSRLDQ $4, X7                \
	PADDD X7, a                  \
	MOVO d, X7                   \
	PSLLDQ $12, X7               \
	SHA256MSG2 d, a              \
	PADDD X7, a

// COMPRESS adds to ABEF, CDGH the block that begins with the eight words in X3, X4.
#define COMPRESS \
	STEPS(0, X3)                 \
	STEPS(16, X4)                \
	STEPS(32, MARK)              \
	STEPS(48, SIZE)              \
	NEXT(X3, X4, MARK, SIZE)     \
	STEPS(64, X3)                \
	NEXT(X4, MARK, SIZE, X3)     \
	STEPS(80, X4)                \
	MOVO MARK, X5                \
	NEXT(X5, SIZE, X3, X4)       \
	STEPS(96, X5)                \
	MOVO SIZE, X6                \
	NEXT(X6, X3, X4, X5)         \
	STEPS(112, X6)               \
	NEXT(X3, X4, X5, X6)         \
	STEPS(128, X3)               \
	NEXT(X4, X5, X6, X3)         \
	STEPS(144, X4)               \
	NEXT(X5, X6, X3, X4)         \
	STEPS(160, X5)               \
	NEXT(X6, X3, X4, X5)         \
	STEPS(176, X6)               \
	NEXT(X3, X4, X5, X6)         \
	STEPS(192, X3)               \
	NEXT(X4, X5, X6, X3)         \
	STEPS(208, X4)               \
	NEXT(X5, X6, X3, X4)         \
	STEPS(224, X5)               \
	NEXT(X6, X3, X4, X5)         \
	STEPS(240, X6)

// SPLIT spells ABEF, CDGH as the words A B C D in low and E F G H in high.
#define SPLIT(low, high) \
	MOVO ABEF, low               \
	PUNPCKHQDQ CDGH, low         \
	PSHUFD $0xb1, low, low       \
	MOVO ABEF, high              \
	PUNPCKLQDQ CDGH, high        \
	PSHUFD $0xb1, high, high

// LOAD reads eight words at p as SHA256RNDS2 wants them.
#define LOAD(p, abef, cdgh) \
	MOVOU p(DI), X0              \
	MOVOU (p+16)(DI), abef       \
	PSHUFD $0xb1, X0, X0         \
	PSHUFD $0xb1, abef, abef     \
	MOVO abef, cdgh              \
	PUNPCKLQDQ X0, abef          \
	PUNPCKHQDQ X0, cdgh

// func chunk(c *chain, n int)
TEXT ·chunk(SB), NOSPLIT, $0-16
	MOVQ c+0(FP), DI
	MOVQ n+8(FP), CX
	LEAQ ·constants(SB), AX

	LOAD(0, X8, X9)
	LOAD(32, X10, X11)
	LOAD(96, X12, X13)
	MOVOU 64(DI), X3
	MOVOU 80(DI), X4
	MOVL $0x80000000, DX
	MOVQ DX, MARK
	MOVL $768, DX
	MOVQ DX, SIZE
	PSLLDQ $12, SIZE

round:
	MOVO X8, ABEF
	MOVO X9, CDGH
	COMPRESS
	PADDD X8, ABEF
	PADDD X9, CDGH
	SPLIT(X3, X4)

	MOVO X10, ABEF
	MOVO X11, CDGH
	COMPRESS
	PADDD X10, ABEF
	PADDD X11, CDGH
	PXOR ABEF, X12
	PXOR CDGH, X13
	SPLIT(X3, X4)

	DECQ CX
	JNZ round

	MOVOU X3, 64(DI)
	MOVOU X4, 80(DI)
	MOVO X12, ABEF
	MOVO X13, CDGH
	SPLIT(X3, X4)
	MOVOU X3, 96(DI)
	MOVOU X4, 112(DI)
	RET

// func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL subleaf+4(FP), CX
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	MOVL CX, ecx+16(FP)
	MOVL DX, edx+20(FP)
	RET
