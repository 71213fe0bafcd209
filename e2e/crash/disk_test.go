package crash

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// disk is a folder on a disk that keeps only what it must: the content of a file as of its last
// sync, and the names as of the last sync of the folder (POSIX fsync promises no more). Whatever
// else was done waits, and a power cut decides about it.
type disk struct {
	names map[string]*file // as programs see them
	kept  map[string]*file // as they are on the disk
	moves []move           // what the folder's next sync will keep
}

type file struct {
	kept    []byte
	waiting []event
	end     int64 // of what was written without an offset
}

// move gives a name to a file, or takes it away: nil.
type move struct {
	name string
	file *file
	done int // line of the trace
}

func newDisk() *disk { return &disk{names: map[string]*file{}, kept: map[string]*file{}} }

// replay makes the disk as it was at a line of the trace.
func replay(events []event, line int) (*disk, error) {
	d := newDisk()
	for i := range events {
		if events[i].ended > line || events[i].kind == answering {
			continue
		}
		if err := d.apply(events[i]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *disk) apply(e event) error {
	f := d.names[e.name]
	if f == nil && e.kind != created && e.name != "." {
		return fmt.Errorf("line %d of the trace: %q is %s and was not there", e.ended, e.name, e.kind)
	}
	switch e.kind {
	case created:
		if f == nil {
			d.move(e.name, &file{}, e.ended)
		}
	case written, truncated:
		if e.kind == written && e.offset < 0 {
			e.offset = f.end
			f.end += int64(len(e.data))
		}
		f.waiting = append(f.waiting, e)
	case unlinked:
		d.move(e.name, nil, e.ended)
	case linked:
		d.move(e.to, f, e.ended)
	case renamed:
		d.move(e.to, f, e.ended)
		d.move(e.name, nil, e.ended)
	case synced:
		d.sync(f, e.began)
	}
	return nil
}

func (d *disk) move(name string, f *file, line int) {
	d.moves = append(d.moves, move{name, f, line})
	rename(d.names, d.moves[len(d.moves)-1:])
}

func rename(names map[string]*file, moves []move) {
	for _, m := range moves {
		if m.file == nil {
			delete(names, m.name)
		} else {
			names[m.name] = m.file
		}
	}
}

// sync keeps what was done before the sync began; f is nil for the folder.
func (d *disk) sync(f *file, began int) {
	if f == nil {
		n := countFunc(d.moves, func(m move) bool { return m.done < began })
		rename(d.kept, d.moves[:n])
		d.moves = d.moves[n:]
		return
	}
	n := countFunc(f.waiting, func(e event) bool { return e.ended < began })
	for _, e := range f.waiting[:n] {
		f.kept = change(f.kept, e)
	}
	f.waiting = f.waiting[n:]
}

// countFunc counts how many at the beginning of list are ok.
func countFunc[T any](list []T, ok func(T) bool) int {
	if n := slices.IndexFunc(list, func(x T) bool { return !ok(x) }); n >= 0 {
		return n
	}
	return len(list)
}

func change(content []byte, e event) []byte {
	end := e.offset + int64(len(e.data))
	if e.kind == truncated {
		end = e.size
	}
	if grow := end - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	if e.kind == truncated {
		return content[:end]
	}
	copy(content[e.offset:], e.data)
	return content
}

// fate is what a power cut does to what was not synced.
type fate struct {
	name string
	// moves says how many of n waiting moves are kept. A file system keeps their order.
	moves func(rng *rand.Rand, n int) int
	// bytes says how many bytes of a waiting change are kept; a truncation is kept if any are.
	bytes func(rng *rand.Rand, e event) int
}

var fates = []fate{
	{"nothing unsynced is left", func(*rand.Rand, int) int { return 0 }, func(*rand.Rand, event) int { return 0 }},
	{"some of it is left, and some writes are torn", func(rng *rand.Rand, n int) int { return rng.IntN(n + 1) }, tear},
	{"everything is left", func(_ *rand.Rand, n int) int { return n }, func(_ *rand.Rand, e event) int { return len(e.data) + 1 }},
}

// sector is what a disk writes whole.
const sector = 512

// tear keeps every second change, and of every fourth of those the sectors before a random one.
func tear(rng *rand.Rand, e event) int {
	switch {
	case rng.IntN(2) == 0:
		return 0
	case e.kind == written && len(e.data) > 0 && rng.IntN(4) == 0:
		at := e.offset + rng.Int64N(int64(len(e.data)))
		return int(max(0, at-at%sector-e.offset))
	}
	return len(e.data) + 1
}

// cut cuts the power, and gives the files that are found afterwards.
func (d *disk) cut(rng *rand.Rand, f fate) map[string][]byte {
	names := maps.Clone(d.kept)
	rename(names, d.moves[:f.moves(rng, len(d.moves))])
	files := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		content := slices.Clone(names[name].kept)
		for _, e := range names[name].waiting {
			n := f.bytes(rng, e)
			if n == 0 {
				continue
			}
			e.data = e.data[:min(n, len(e.data))]
			content = change(content, e)
		}
		files[name] = content
	}
	return files
}

func writeFiles(folder string, files map[string][]byte) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
