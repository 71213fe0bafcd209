package web

import "sync"

// Buffer is room to write a body in. It is lent for one answer.
type Buffer struct{ Bytes []byte }

// The sizes of a buffer, in bytes: of a new one, and of those that are lent again. net/http copies what is
// no longer than that, and may hold on to what is when a stream of HTTP/2 breaks off.
const (
	newBuffer  = 512
	mostBuffer = 2048
)

var buffers = sync.Pool{New: func() any { return &Buffer{Bytes: make([]byte, 0, newBuffer)} }}

// Lend gives an empty Buffer, which is to be given back once the answer is written.
func Lend() *Buffer { return buffers.Get().(*Buffer) }

// GiveBack takes a Buffer back. A large one is left to the collector.
func (b *Buffer) GiveBack() {
	if cap(b.Bytes) <= mostBuffer {
		b.Bytes = b.Bytes[:0]
		buffers.Put(b)
	}
}
