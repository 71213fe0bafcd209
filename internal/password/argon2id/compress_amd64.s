#include "textflag.h"

// The block function of RFC 9106 §3.5 with AVX2. A block is eight rows of 128 bytes. P goes over the
// rows first, two at a time, then over the columns of 16 bytes, two at a time; between the two the
// state lies on the stack. Either way there are two chains of GB, woven into each other, as one alone
// waits for its multiplications.

// Rotations by whole bytes, as shuffles.
DATA turn24<>+0(SB)/8, $0x0201000706050403
DATA turn24<>+8(SB)/8, $0x0a09080f0e0d0c0b
GLOBL turn24<>(SB), RODATA|NOPTR, $16

DATA turn16<>+0(SB)/8, $0x0100070605040302
DATA turn16<>+8(SB)/8, $0x09080f0e0d0c0b0a
GLOBL turn16<>(SB), RODATA|NOPTR, $16

#define T0 Y8
#define T1 Y9
#define TURN24 Y10
#define TURN16 Y11

// a += b + 2·low(a)·low(b), for two pairs.
#define SUM(a, b, e, f) \
	VPMULUDQ a, b, T0;  \
	VPMULUDQ e, f, T1;  \
	VPADDQ   b, a, a;   \
	VPADDQ   f, e, e;   \
	VPADDQ   T0, T0, T0; \
	VPADDQ   T1, T1, T1; \
	VPADDQ   T0, a, a;  \
	VPADDQ   T1, e, e

// GB on a, b, c, d and on e, f, g, h.
#define GB(a, b, c, d, e, f, g, h) \
	SUM(a, b, e, f);            \
	VPXOR   a, d, d;            \
	VPXOR   e, h, h;            \
	VPSHUFD $0xb1, d, d;        \
	VPSHUFD $0xb1, h, h;        \
	SUM(c, d, g, h);            \
	VPXOR   c, b, b;            \
	VPXOR   g, f, f;            \
	VPSHUFB TURN24, b, b;       \
	VPSHUFB TURN24, f, f;       \
	SUM(a, b, e, f);            \
	VPXOR   a, d, d;            \
	VPXOR   e, h, h;            \
	VPSHUFB TURN16, d, d;       \
	VPSHUFB TURN16, h, h;       \
	SUM(c, d, g, h);            \
	VPXOR   c, b, b;            \
	VPXOR   g, f, f;            \
	VPADDQ  b, b, T0;           \
	VPADDQ  f, f, T1;           \
	VPSRLQ  $63, b, b;          \
	VPSRLQ  $63, f, f;          \
	VPOR    T0, b, b;           \
	VPOR    T1, f, f

// Four words of x ^ y, at an offset from DX.
#define LOAD(offset, into) \
	VMOVDQU offset(SI)(DX*1), into; \
	VPXOR   offset(BX)(DX*1), into, into

// The last step for four words: out = z ^ x ^ y, and ^ out where it is to be added.
#define STORE(offset, z) \
	VPXOR   offset(SI)(DX*1), z, z; \
	VPXOR   offset(BX)(DX*1), z, z; \
	VMOVDQU z, offset(DI)(DX*1)

#define STOREADD(offset, z) \
	VPXOR offset(DI)(DX*1), z, z; \
	STORE(offset, z)

// func compressAVX2(out, x, y *block, add bool)
TEXT ·compressAVX2(SB), 0, $1056-25
	MOVQ out+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), BX
	MOVBLZX add+24(FP), CX
	VBROADCASTI128 turn24<>(SB), TURN24
	VBROADCASTI128 turn16<>(SB), TURN16
	LEAQ 31(SP), R8
	ANDQ $~31, R8 // the state, aligned
	XORQ DX, DX

rows:
	LOAD(0, Y0)
	LOAD(32, Y1)
	LOAD(64, Y2)
	LOAD(96, Y3)
	LOAD(128, Y4)
	LOAD(160, Y5)
	LOAD(192, Y6)
	LOAD(224, Y7)
	GB(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
	VPERMQ $0x39, Y1, Y1 // the diagonals, under each other
	VPERMQ $0x39, Y5, Y5
	VPERMQ $0x4e, Y2, Y2
	VPERMQ $0x4e, Y6, Y6
	VPERMQ $0x93, Y3, Y3
	VPERMQ $0x93, Y7, Y7
	GB(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
	VPERMQ $0x93, Y1, Y1
	VPERMQ $0x93, Y5, Y5
	VPERMQ $0x4e, Y2, Y2
	VPERMQ $0x4e, Y6, Y6
	VPERMQ $0x39, Y3, Y3
	VPERMQ $0x39, Y7, Y7
	VMOVDQA Y0, 0(R8)(DX*1)
	VMOVDQA Y1, 32(R8)(DX*1)
	VMOVDQA Y2, 64(R8)(DX*1)
	VMOVDQA Y3, 96(R8)(DX*1)
	VMOVDQA Y4, 128(R8)(DX*1)
	VMOVDQA Y5, 160(R8)(DX*1)
	VMOVDQA Y6, 192(R8)(DX*1)
	VMOVDQA Y7, 224(R8)(DX*1)
	ADDQ $256, DX
	CMPQ DX, $1024
	JNE  rows

	XORQ DX, DX

columns:
	// A register has a pair of words of each of two columns; a row of P's matrix is two registers.
	VMOVDQA 0(R8)(DX*1), Y0
	VMOVDQA 128(R8)(DX*1), Y1
	VMOVDQA 256(R8)(DX*1), Y2
	VMOVDQA 384(R8)(DX*1), Y3
	VMOVDQA 512(R8)(DX*1), Y4
	VMOVDQA 640(R8)(DX*1), Y5
	VMOVDQA 768(R8)(DX*1), Y6
	VMOVDQA 896(R8)(DX*1), Y7
	GB(Y0, Y2, Y4, Y6, Y1, Y3, Y5, Y7)
	VPALIGNR $8, Y2, Y3, T0 // the diagonals: 5 6, 7 4
	VPALIGNR $8, Y3, Y2, Y3
	VPALIGNR $8, Y7, Y6, T1 // 15 12, 13 14
	VPALIGNR $8, Y6, Y7, Y7
	VMOVDQA T0, Y2
	VMOVDQA T1, Y6
	GB(Y0, Y2, Y5, Y6, Y1, Y3, Y4, Y7)
	VPALIGNR $8, Y3, Y2, T0 // back: 4 5, 6 7
	VPALIGNR $8, Y2, Y3, Y3
	VPALIGNR $8, Y6, Y7, T1 // 12 13, 14 15
	VPALIGNR $8, Y7, Y6, Y7
	VMOVDQA T0, Y2
	VMOVDQA T1, Y6
	TESTL CX, CX
	JNZ   added
	STORE(0, Y0)
	STORE(128, Y1)
	STORE(256, Y2)
	STORE(384, Y3)
	STORE(512, Y4)
	STORE(640, Y5)
	STORE(768, Y6)
	STORE(896, Y7)
	ADDQ $32, DX
	CMPQ DX, $128
	JNE  columns
	VZEROUPPER
	RET

added:
	STOREADD(0, Y0)
	STOREADD(128, Y1)
	STOREADD(256, Y2)
	STOREADD(384, Y3)
	STOREADD(512, Y4)
	STOREADD(640, Y5)
	STOREADD(768, Y6)
	STOREADD(896, Y7)
	ADDQ $32, DX
	CMPQ DX, $128
	JNE  columns
	VZEROUPPER
	RET

// func cpuid(leaf, subleaf uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL subleaf+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func xgetbv0() uint32
TEXT ·xgetbv0(SB), NOSPLIT, $0-4
	XORL CX, CX
	XGETBV
	MOVL AX, ret+0(FP)
	RET
