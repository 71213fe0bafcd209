package account

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"
)

// TestWhatMemoryTakes fills a memory to its bounds, and past them, and counts the heap.
func TestWhatMemoryTakes(t *testing.T) {
	at := time.Unix(1790000000, 0)
	for _, tt := range []struct {
		what  string
		most  int
		least float64 // of most
		bytes float64
		add   func(h *hot, i int)
		kept  func(h *hot) int
	}{
		{"tokens", HotTokens, 0.97, HotTokenBytes, func(h *hot, i int) {
			var key tokenKey
			binary.LittleEndian.PutUint64(key[:], uint64(i)*0x9e3779b97f4a7c15)
			h.tokens[key.shard()].keep(key, hotToken{user: int64(i), session: int64(i)})
		}, func(h *hot) (n int) {
			for i := range h.tokens {
				n += len(h.tokens[i].known)
			}
			return n
		}},
		{"users", HotUsers, 0.5, HotUserBytes, func(h *hot, i int) {
			shard := h.usersOf(int64(i))
			load, _ := shard.begin(int64(i), 1)
			load.user = &User{
				ID: int64(i), Email: fmt.Sprintf("firstname.lastname%d@mail.example", i), DateJoined: at,
				FirstName: fmt.Sprint("Firstname", i), LastName: fmt.Sprint("Lastname", i),
			}
			shard.finish(int64(i), load)
		}, func(h *hot) (n int) {
			for i := range h.users {
				n += len(h.users[i].known.young.at) + len(h.users[i].known.old.at)
			}
			return n
		}},
	} {
		before := heap()
		h := newHot(nil)
		for i := range tt.most * 4 {
			tt.add(h, i)
		}
		n := tt.kept(h)
		each := float64(heap()-before) / float64(n)
		if float64(n) > 1.1*float64(tt.most) || float64(n) < tt.least*float64(tt.most) {
			t.Errorf("%s\n got: %d remembered\nwant: about %d", tt.what, n, tt.most)
		}
		if math.Abs(each/tt.bytes-1) > 0.15 {
			t.Errorf("%s\n got: %.0f bytes each\nwant: %.0f, within a seventh of it: capacity.go says so", tt.what, each, tt.bytes)
		}
		runtime.KeepAlive(h)
	}
}

// heap is what lives in it, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
