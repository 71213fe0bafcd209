// Package argon2id computes Argon2id 1.3 (RFC 9106) on the goroutine that asks, in memory that the
// caller keeps. It starts no goroutine, so a caller locked to a thread stays on it, and a hash costs
// that thread alone. It chooses no parameters and knows no text form.
//
// The block function is AVX2 assembly on amd64 processors that have it, and Go everywhere else,
// arm64 included. A call of the assembly, which cannot be preempted, takes well under a microsecond.
package argon2id

import (
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/blake2b"
)

const (
	version = 0x13
	kind    = 2 // y of RFC 9106 §3.2: Argon2id

	slices     = 4 // of a pass; the synchronization points of RFC 9106 §3.4
	blockWords = 128
	blockBytes = 8 * blockWords
)

type block [blockWords]uint64

// Cost is what a hash costs: KiB of memory, filled Time times, in so many Lanes.
type Cost struct {
	Time, MemoryKiB, Lanes uint32
}

// Buffer is what a hash works in: its MemoryKiB, rounded up, and a few KiB more. The zero Buffer is
// ready. It serves one hash after the other, not two at a time, and keeps the memory of the largest
// until Release; one that is dropped without a Release leaks, as the memory is not the collector's
// where the system can map it.
//
// What a hash of two passes or more leaves in it is of no more use to a guesser than the stored tag:
// to test a guess against it takes the first pass, all the memory, all the same. With one pass that
// would not hold (the first blocks are a few BLAKE2b away from the password), so a hash of one pass
// is wiped, which costs it a tenth. The little that a guess could be tested on cheaply, the hash of
// the inputs, is wiped always.
type Buffer struct {
	raw    []byte // as mapped
	blocks []block

	digests [blake2b.Size + 1]hash.Hash // by size, made when first asked for
	words   [blake2b.Size + 8]byte      // the seed of the first blocks: H0, column, lane
	link    [blake2b.Size]byte          // of H'
	number  [4]byte
	bytes   [blockBytes]byte

	input, addresses, zero block // of data-independent addressing
}

// Held is how many bytes Release would give back.
func (b *Buffer) Held() int { return len(b.raw) }

// Release gives the memory back to the system; the Buffer can be used again.
func (b *Buffer) Release() {
	b.blocks = nil
	if b.raw != nil {
		unmapMemory(b.raw)
		b.raw = nil
	}
}

// grow makes room for n blocks of any content.
func (b *Buffer) grow(n int) []block {
	if len(b.blocks) < n {
		b.Release()
		b.raw, b.blocks = mapMemory(n)
	}
	return b.blocks[:n]
}

// Key returns a tag of tagLen bytes for password, of one lane. Parameters that Argon2 does not have
// (RFC 9106 §3.1: a time of 0, memory under 8 KiB, a tag under 4 bytes) panic.
func Key(password, salt []byte, time, memoryKiB, tagLen uint32, b *Buffer) []byte {
	return KeyLanes(password, salt, Cost{Time: time, MemoryKiB: memoryKiB, Lanes: 1}, tagLen, b)
}

// KeyLanes is Key for hashes of several lanes, such as Django makes: the lanes are filled one after
// the other. Each lane needs 8 KiB.
func KeyLanes(password, salt []byte, c Cost, tagLen uint32, b *Buffer) []byte {
	tag := make([]byte, tagLen)
	derive(tag, inputs{password: password, salt: salt, cost: c}, b)
	return tag
}

// inputs are all that a tag depends on (RFC 9106 §3.1). Only the RFC's own example has a secret and
// data here.
type inputs struct {
	password, salt, secret, data []byte
	cost                         Cost
}

func derive(tag []byte, in inputs, b *Buffer) {
	c := in.cost
	if c.Time < 1 || c.Lanes < 1 || c.MemoryKiB/8 < c.Lanes || len(tag) < 4 {
		panic("argon2id: parameters that Argon2 does not have")
	}
	f := filling{cost: c, segment: c.MemoryKiB / (slices * c.Lanes), buffer: b}
	f.lane = slices * f.segment
	f.memory = b.grow(int(f.lane * c.Lanes))

	b.seed(in, uint32(len(tag)))
	for lane := range c.Lanes {
		for column := range uint32(2) {
			binary.LittleEndian.PutUint32(b.words[blake2b.Size:], column)
			binary.LittleEndian.PutUint32(b.words[blake2b.Size+4:], lane)
			b.stretch(b.bytes[:], b.words[:])
			f.memory[lane*f.lane+column].read(&b.bytes)
		}
	}
	for pass := range c.Time {
		for slice := range uint32(slices) {
			for lane := range c.Lanes {
				f.fill(pass, slice, lane)
			}
		}
	}
	last := &f.memory[f.lane-1]
	for lane := uint32(1); lane < c.Lanes; lane++ {
		for i, v := range f.memory[(lane+1)*f.lane-1] {
			last[i] ^= v
		}
	}
	last.write(&b.bytes)
	b.stretch(tag, b.bytes[:])
	b.wipe()
	if c.Time == 1 {
		clear(f.memory)
	}
}

func (k *block) read(from *[blockBytes]byte) {
	for i := range k {
		k[i] = binary.LittleEndian.Uint64(from[8*i:])
	}
}

func (k *block) write(into *[blockBytes]byte) {
	for i, v := range k {
		binary.LittleEndian.PutUint64(into[8*i:], v)
	}
}

// seed leaves H0 of RFC 9106 §3.2, step 1, at the start of words.
func (b *Buffer) seed(in inputs, tagLen uint32) {
	d := b.digest(blake2b.Size)
	for _, n := range [...]uint32{in.cost.Lanes, tagLen, in.cost.MemoryKiB, in.cost.Time, version, kind} {
		d.Write(b.uint32(n))
	}
	for _, text := range [...][]byte{in.password, in.salt, in.secret, in.data} {
		d.Write(b.uint32(uint32(len(text))))
		d.Write(text)
	}
	d.Sum(b.words[:0])
}

func (b *Buffer) uint32(n uint32) []byte {
	binary.LittleEndian.PutUint32(b.number[:], n)
	return b.number[:]
}

// digest is BLAKE2b with so many bytes of output, from its beginning.
func (b *Buffer) digest(size int) hash.Hash {
	if b.digests[size] == nil {
		d, err := blake2b.New(size, nil)
		if err != nil {
			panic(err) // never: sizes are of 1 to 64
		}
		b.digests[size] = d
	}
	d := b.digests[size]
	d.Reset()
	return d
}

// stretch is H' of RFC 9106 §3.3: a hash of in that fills out, whatever its length.
func (b *Buffer) stretch(out, in []byte) {
	d := b.digest(min(len(out), blake2b.Size))
	d.Write(b.uint32(uint32(len(out))))
	d.Write(in)
	if len(out) <= blake2b.Size {
		d.Sum(out[:0])
		return
	}
	link := d.Sum(b.link[:0])
	for len(out) > blake2b.Size {
		out = out[copy(out, link[:blake2b.Size/2]):]
		d = b.digest(min(len(out), blake2b.Size))
		d.Write(link)
		link = d.Sum(b.link[:0])
	}
	copy(out, link)
}

// wipe clears what is close to the password. A digest keeps its last input until it is overwritten.
func (b *Buffer) wipe() {
	clear(b.words[:])
	clear(b.link[:])
	clear(b.bytes[:])
	for _, d := range b.digests {
		if d != nil {
			d.Reset()
			d.Write(b.bytes[:blake2b.BlockSize])
			d.Reset()
		}
	}
}
