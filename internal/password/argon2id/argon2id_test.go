package argon2id

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/argon2"
)

// TestRFC is the example of RFC 9106 §5.3, the one hash here with a secret and data.
func TestRFC(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		var b Buffer
		defer b.Release()
		tag := make([]byte, 32)
		derive(tag, inputs{
			password: bytes.Repeat([]byte{1}, 32), salt: bytes.Repeat([]byte{2}, 16),
			secret: bytes.Repeat([]byte{3}, 8), data: bytes.Repeat([]byte{4}, 12),
			cost: Cost{Time: 3, MemoryKiB: 32, Lanes: 4},
		}, &b)
		const want = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
		if got := hex.EncodeToString(tag); got != want {
			t.Errorf("tag = %s, want %s", got, want)
		}
	})
}

// TestAgainstCrypto holds Key against x/crypto's, over one Buffer that grows and does not shrink.
func TestAgainstCrypto(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		var b Buffer
		defer b.Release()
		memories := []uint32{8, 9, 11, 12, 15, 16, 17, 31, 32, 33, 63, 64, 100, 127, 128, 511, 512, 513, 514, 1000, 2048, 4095, 4096}
		for i, memory := range memories {
			for time := uint32(1); time <= 4; time++ {
				same(t, &b, some(rng, 80), some(rng, 40), Cost{time, memory, 1}, 4+uint32(rng.IntN(125)))
			}
			if i%5 == 0 {
				b.Release()
			}
		}
		for tagLen := uint32(4); tagLen <= 128; tagLen++ {
			same(t, &b, some(rng, 300), some(rng, 300), Cost{1 + tagLen%3, 8 + tagLen, 1}, tagLen)
		}
		for lanes := uint32(2); lanes <= 9; lanes++ {
			for _, memory := range []uint32{8 * lanes, 8*lanes + 3, 40 * lanes, 1024} {
				same(t, &b, some(rng, 30), some(rng, 30), Cost{1 + lanes%4, memory, lanes}, 32)
			}
		}
		same(t, &b, nil, nil, Cost{2, 64, 1}, 32)
		same(t, &b, make([]byte, 4096), make([]byte, 16), Cost{2, 64, 1}, 32)
	})
}

func FuzzKey(f *testing.F) {
	f.Add([]byte("correct-horse"), []byte("somesalt"), uint8(2), uint16(64), uint8(1), uint8(32))
	f.Add([]byte{}, []byte{}, uint8(1), uint16(8), uint8(1), uint8(4))
	f.Add([]byte("p"), []byte("s"), uint8(3), uint16(600), uint8(3), uint8(129))
	var b Buffer
	f.Fuzz(func(t *testing.T, password, salt []byte, time uint8, memory uint16, lanes, tagLen uint8) {
		c := Cost{Time: 1 + uint32(time%4), Lanes: 1 + uint32(lanes%4)}
		c.MemoryKiB = 8*c.Lanes + uint32(memory%1200)
		same(t, &b, password, salt, c, 4+uint32(tagLen))
	})
}

// TestCompress holds the two block functions against each other, on blocks that no hash may meet.
func TestCompress(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	words := []func() uint64{
		rng.Uint64, func() uint64 { return 0 }, func() uint64 { return ^uint64(0) },
		func() uint64 { return rng.Uint64() & 0xffffffff }, func() uint64 { return 1 << rng.IntN(64) },
	}
	for i := range 500 {
		var x, y, old block
		for j := range x {
			x[j], y[j], old[j] = words[i%5](), words[i/5%5](), rng.Uint64()
		}
		for _, add := range []bool{false, true} {
			got, want := old, old
			compress(&got, &x, &y, add)
			compressGo(&want, &x, &y, add)
			if got != want {
				t.Fatalf("blocks %d, add %v: the two functions differ", i, add)
			}
		}
	}
}

func TestKeyAllocatesItsTagOnly(t *testing.T) {
	var b Buffer
	defer b.Release()
	password, salt := []byte("correct-horse"), []byte("0123456789abcdef")
	for _, tagLen := range []uint32{16, 32, 64, 100} {
		if got := testing.AllocsPerRun(20, func() { Key(password, salt, 2, 64, tagLen, &b) }); got != 1 {
			t.Errorf("a tag of %d bytes took %v allocations, want 1", tagLen, got)
		}
	}
}

func TestBuffer(t *testing.T) {
	var b Buffer
	b.Release()
	if got := b.Held(); got != 0 {
		t.Errorf("a new Buffer holds %d bytes, want none", got)
	}
	first := Key([]byte("x"), []byte("saltsalt"), 2, 4096, 32, &b)
	held := b.Held()
	Key([]byte("y"), []byte("saltsalt"), 2, 64, 32, &b)
	if b.Held() != held {
		t.Errorf("holds %d bytes after a smaller hash, want %d still", b.Held(), held)
	}
	b.Release()
	if b.Held() != 0 || b.blocks != nil {
		t.Errorf("holds %d bytes after Release, want none", b.Held())
	}
	if again := Key([]byte("x"), []byte("saltsalt"), 2, 4096, 32, &b); !bytes.Equal(again, first) {
		t.Errorf("after Release = %x, want %x", again, first)
	}
	b.Release()
}

// TestBufferForgets looks for what a guess could be tested on cheaply.
func TestBufferForgets(t *testing.T) {
	for _, time := range []uint32{1, 2} {
		var b Buffer
		password := bytes.Repeat([]byte("hunter2!"), 9)
		Key(password, []byte("saltsalt"), time, 64, 32, &b)
		state := fmt.Sprintf("%x", [][]byte{b.words[:], b.link[:], b.bytes[:]})
		for _, d := range b.digests {
			state += fmt.Sprintf("%x", d)
		}
		if bytes.Contains([]byte(state), []byte(hex.EncodeToString([]byte("hunter2!")))) {
			t.Errorf("time %d: the digest still has the password", time)
		}
		if b.words != ([72]byte{}) || b.link != ([64]byte{}) || b.bytes != ([blockBytes]byte{}) {
			t.Errorf("time %d: the seed is still there", time)
		}
		if wiped := b.blocks[0] == (block{}) && b.blocks[63] == (block{}); wiped != (time == 1) {
			t.Errorf("time %d: memory wiped = %v", time, wiped)
		}
		b.Release()
	}
}

func TestKeyPanics(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cost   Cost
		tagLen uint32
	}{
		{"no pass", Cost{0, 64, 1}, 32},
		{"no lane", Cost{1, 64, 0}, 32},
		{"too little memory", Cost{1, 7, 1}, 32},
		{"too little memory for its lanes", Cost{1, 64, 9}, 32},
		{"a short tag", Cost{1, 64, 1}, 3},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: %+v with a tag of %d did not panic", tt.name, tt.cost, tt.tagLen)
				}
			}()
			KeyLanes(nil, nil, tt.cost, tt.tagLen, new(Buffer))
		}()
	}
}

func same(t *testing.T, b *Buffer, password, salt []byte, c Cost, tagLen uint32) {
	t.Helper()
	got := KeyLanes(password, salt, c, tagLen, b)
	want := argon2.IDKey(password, salt, c.Time, c.MemoryKiB, uint8(c.Lanes), tagLen)
	if !bytes.Equal(got, want) {
		t.Fatalf("KeyLanes(%x, %x, %+v, %d) = %x, want %x", password, salt, c, tagLen, got, want)
	}
}

func some(rng *rand.Rand, most int) []byte {
	text := make([]byte, rng.IntN(most+1))
	for i := range text {
		text[i] = byte(rng.Uint32())
	}
	return text
}
