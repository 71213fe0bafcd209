package pbkdf2

import (
	"bytes"
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
)

// force chooses a code path for the rest of a test. Where a CPU lacks the instructions there is
// nothing to run: the portable path is what such a machine uses, and that is tested everywhere.
func force(t testing.TB, assembly bool) {
	t.Helper()
	if assembly && !hasSHA256() {
		t.Skip("this CPU has no instructions for SHA-256")
	}
	if assembly && fips140.Enabled() {
		t.Skip("FIPS 140-3 mode leaves the work to crypto/pbkdf2")
	}
	before := accelerated
	accelerated = assembly
	t.Cleanup(func() { accelerated = before })
}

// eachPath runs a test through the assembly and without it.
func eachPath(t *testing.T, test func(t *testing.T)) {
	t.Run("assembly", func(t *testing.T) { force(t, true); test(t) })
	t.Run("portable", func(t *testing.T) { force(t, false); test(t) })
}

func reference(t testing.TB, password, salt []byte, rounds, tagLen int) []byte {
	t.Helper()
	tag, err := pbkdf2.Key(sha256.New, string(password), salt, rounds, tagLen)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// agree holds Key against crypto/pbkdf2, and its arguments against change.
func agree(t testing.TB, password, salt []byte, rounds, tagLen int) {
	t.Helper()
	gotPassword, gotSalt := slices.Clone(password), slices.Clone(salt)
	got := Key(gotPassword, gotSalt, rounds, tagLen)
	if want := reference(t, password, salt, rounds, tagLen); !bytes.Equal(got, want) {
		t.Errorf("Key(%x, %x, %d, %d) = %x, want %x", password, salt, rounds, tagLen, got, want)
	}
	if !bytes.Equal(gotPassword, password) || !bytes.Equal(gotSalt, salt) {
		t.Errorf("Key(%x, %x, %d, %d) wrote into its arguments", password, salt, rounds, tagLen)
	}
}

func TestWycheproof(t *testing.T) {
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Tests []struct {
				TcID                  int
				Comment, Result       string
				Password, Salt, DK    string // hexadecimal
				IterationCount, DKLen int
			}
		}
	}
	text, err := os.ReadFile("testdata/wycheproof/pbkdf2_hmacsha256_test.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	eachPath(t, func(t *testing.T) {
		ran := 0
		for _, group := range file.TestGroups {
			for _, v := range group.Tests {
				got := Key(unhex(t, v.Password), unhex(t, v.Salt), v.IterationCount, v.DKLen)
				if hex.EncodeToString(got) != v.DK || v.Result != "valid" {
					t.Errorf("test %d (%s): got %x, want %s, %s", v.TcID, v.Comment, got, v.DK, v.Result)
				}
				ran++
			}
		}
		if ran != 60 || ran != file.NumberOfTests {
			t.Errorf("ran %d tests of %d, want 60", ran, file.NumberOfTests)
		}
	})
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnyPasswordSaltAndLengthAgreesWithCrypto(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		chance := rand.New(rand.NewPCG(1, 2))
		fill := func(n int) []byte {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(chance.Uint32())
			}
			return b
		}
		lengths := []int{0, 1, 31, 32, 55, 56, 63, 64, 65, 119, 128, 129, 500}
		for _, password := range lengths {
			for _, salt := range lengths {
				agree(t, fill(password), fill(salt), 1+chance.IntN(9), 1+chance.IntN(100))
			}
		}
		for tagLen := 1; tagLen <= 100; tagLen++ {
			agree(t, fill(chance.IntN(100)), fill(chance.IntN(40)), 1+chance.IntN(9), tagLen)
		}
		agree(t, nil, nil, 3, 5000)
	})
}

func TestRoundsAroundChunksAgreeWithCrypto(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		for _, tagLen := range []int{20, 32, 33, 64, 100} {
			for rounds := 1; rounds <= 6; rounds++ {
				agree(t, []byte("correct-horse-17"), []byte("seasalt"), rounds, tagLen)
			}
			for chunks := 1; chunks <= 4; chunks++ {
				for off := -2; off <= 2; off++ { // the first round is no chunk's
					agree(t, []byte("correct-horse-17"), []byte("seasalt"), chunks*chunkRounds+off, tagLen)
				}
			}
		}
		agree(t, []byte("correct-horse-17"), []byte("seasalt"), 260_000, 32) // Django 3.2
	})
}

// TestChunkTouchesItsChainOnly looks at the memory around what the assembly writes.
func TestChunkTouchesItsChainOnly(t *testing.T) {
	force(t, true)
	var memory struct {
		before [16]uint32
		c      chain
		after  [16]uint32
	}
	for i := range memory.before {
		memory.before[i], memory.after[i] = 0xa5a5a5a5, 0x5a5a5a5a
	}
	guards := [2][16]uint32{memory.before, memory.after}
	memory.c = newChain([]byte("password"))
	memory.c.start(make([]byte, sha256.Size))
	inner, outer := memory.c.inner, memory.c.outer
	chunk(&memory.c, 7)
	if guards != [2][16]uint32{memory.before, memory.after} {
		t.Errorf("around the chain: got %x, want %x", [2][16]uint32{memory.before, memory.after}, guards)
	}
	if inner != memory.c.inner || outer != memory.c.outer {
		t.Errorf("hash values of the password: got %x %x, want %x %x", memory.c.inner, memory.c.outer, inner, outer)
	}
}

// TestUnlikelyChains feeds the assembly hash values that no password is known for, such as all
// bits, where a carry between lanes would show.
func TestUnlikelyChains(t *testing.T) {
	force(t, true)
	chance := rand.New(rand.NewPCG(3, 4))
	pick := func() uint32 {
		return [...]uint32{0, 1, 1 << 31, math.MaxUint32, chance.Uint32(), chance.Uint32()}[chance.IntN(6)]
	}
	for range 2000 {
		var c chain
		for _, words := range []*[8]uint32{&c.inner, &c.outer, &c.u, &c.t} {
			for i := range words {
				words[i] = pick()
			}
		}
		got, want, n := c, c, 1+chance.IntN(3)
		chunk(&got, n)
		for range n {
			want.round()
		}
		if got != want {
			t.Fatalf("%d rounds of %08x:\n got %08x\nwant %08x", n, c, got, want)
		}
	}
}

// round is what the assembly does, in Go.
func (c *chain) round() {
	for _, h := range [][8]uint32{c.inner, c.outer} {
		var block [16]uint32
		copy(block[:], c.u[:])
		block[8], block[15] = 1<<31, 8*(sha256.BlockSize+sha256.Size)
		compress(&h, block)
		c.u = h
	}
	for i, word := range c.u {
		c.t[i] ^= word
	}
}

func TestOutOfRangePanics(t *testing.T) {
	tests := []struct {
		name           string
		rounds, tagLen int
	}{
		{"no rounds", 0, 32},
		{"rounds below zero", -1, 32},
		{"the least rounds", math.MinInt, 32},
		{"no tag", 1, 0},
		{"a tag below zero", 1, -32},
	}
	eachPath(t, func(t *testing.T) {
		for _, tt := range tests {
			if !panics(tt.rounds, tt.tagLen) {
				t.Errorf("%s: Key(…, %d, %d) returned, want a panic", tt.name, tt.rounds, tt.tagLen)
			}
		}
		if math.MaxInt > math.MaxInt32 && !panics(1, math.MaxInt) {
			t.Errorf("Key(…, 1, %d) returned, want a panic", math.MaxInt)
		}
	})
}

func panics(rounds, tagLen int) (did bool) {
	defer func() { did = recover() != nil }()
	Key([]byte("password"), []byte("salt"), rounds, tagLen)
	return false
}

func TestRoundsAllocateNothing(t *testing.T) {
	force(t, true)
	password, salt := []byte("correct-horse-17"), []byte("seasalt")
	few := testing.AllocsPerRun(20, func() { Key(password, salt, 1, 32) })
	many := testing.AllocsPerRun(20, func() { Key(password, salt, 20*chunkRounds, 100) })
	if many != few {
		t.Errorf("%d rounds of four blocks: got %v allocations, want the %v of one round of one block",
			20*chunkRounds, many, few)
	}
}

// TestRoundsCanBePreempted gives Go one CPU: a goroutine that sleeps wakes up before a long
// derivation ends, which it could not if the rounds never came past a check.
func TestRoundsCanBePreempted(t *testing.T) {
	force(t, true)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	start, done := make(chan bool), make(chan time.Time)
	go func() {
		start <- true
		Key([]byte("correct-horse-17"), []byte("seasalt"), 2_000_000, 32) // some 0.25 s
		done <- time.Now()
	}()
	<-start
	time.Sleep(time.Millisecond)
	woke := time.Now()
	if ended := <-done; !woke.Before(ended) {
		t.Errorf("woke %v after the derivation, want before", woke.Sub(ended))
	}
}

// TestCompress hashes messages of one block: their hash is one compression of the padded message
// (FIPS 180-4 §5.1.1).
func TestCompress(t *testing.T) {
	for n := range 56 {
		var padded [64]byte
		for i := range n {
			padded[i] = byte(i * n)
		}
		want := sha256.Sum256(padded[:n])
		padded[n] = 0x80
		binary.BigEndian.PutUint64(padded[56:], uint64(8*n))
		var block [16]uint32
		for i := range block {
			block[i] = binary.BigEndian.Uint32(padded[4*i:])
		}
		c := chain{t: initial}
		compress(&c.t, block)
		if got := c.tag(new([sha256.Size]byte)); !bytes.Equal(got, want[:]) {
			t.Errorf("compress of %d bytes = %x, want %x", n, got, want)
		}
	}
}

// FuzzKey holds the assembly against crypto/pbkdf2, which is the other path.
func FuzzKey(f *testing.F) {
	force(f, true)
	f.Add([]byte("password"), []byte("salt"), uint16(1), uint8(32))
	f.Add([]byte(""), []byte(""), uint16(chunkRounds), uint8(1))
	f.Add(bytes.Repeat([]byte("long"), 17), []byte("seasalt"), uint16(2*chunkRounds+1), uint8(100))
	f.Fuzz(func(t *testing.T, password, salt []byte, rounds uint16, tagLen uint8) {
		agree(t, password, salt, 1+int(rounds)%(4*chunkRounds), 1+int(tagLen))
	})
}
