package crash

import (
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// plain are the texts and paths of a trace that is written for people: "text" and <path>.
var plain = regexp.MustCompile(`"[^"]*"|</[^>]*>`)

// traced turns a trace for people into what strace -xx prints, which has one call a line and the
// process in front.
func traced(lines ...string) string {
	return plain.ReplaceAllStringFunc(strings.Join(lines, "\n"), func(text string) string {
		var b strings.Builder
		b.WriteByte(text[0])
		for _, c := range []byte(text[1 : len(text)-1]) {
			b.WriteString(`\x` + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
		}
		return b.String() + text[len(text)-1:]
	})
}

// A file "a" of folder /d that is made, written and synced, and the folder synced: 4 lines.
var safe = []string{
	`1 openat(AT_FDCWD</d>, "/d/a", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3</d/a>`,
	`1 pwrite64(3</d/a>, "old", 3, 0) = 3`,
	`1 fdatasync(3</d/a>) = 0`,
	`1 fsync(4</d>) = 0`,
}

func TestDisk(t *testing.T) {
	nothing, everything := fates[0], fates[2]
	tests := []struct {
		name string
		more []string // after safe
		cut  int      // lines of more; what comes later did not happen
		fate fate
		want map[string]string
	}{
		{"what was synced is there", nil, 0, nothing, map[string]string{"a": "old"}},
		{"a write without a sync is lost", []string{`1 pwrite64(3</d/a>, "NEW", 3, 0) = 3`}, 1, nothing, map[string]string{"a": "old"}},
		{"or is left", []string{`1 pwrite64(3</d/a>, "NEW", 3, 1) = 3`}, 1, everything, map[string]string{"a": "oNEW"}},
		{"a write after the cut did not happen", []string{`1 pwrite64(3</d/a>, "NEW", 3, 0) = 3`}, 0, everything, map[string]string{"a": "old"}},
		{
			"a sync covers what ended before it",
			[]string{`1 pwrite64(3</d/a>, "NEW", 3, 0) = 3`, `1 fsync(3</d/a>) = 0`},
			2, nothing,
			map[string]string{"a": "NEW"},
		},
		{"a sync that has not ended covers nothing", []string{
			`1 pwrite64(3</d/a>, "NEW", 3, 0) = 3`, `1 fsync(3</d/a> <unfinished ...>`, `1 <... fsync resumed>) = 0`,
		}, 2, nothing, map[string]string{"a": "old"}},
		{"a sync covers no write that ends after it began", []string{
			`1 fsync(3</d/a> <unfinished ...>`, `2 pwrite64(3</d/a>, "NEW", 3, 0) = 3`, `1 <... fsync resumed>) = 0`,
		}, 3, nothing, map[string]string{"a": "old"}},
		{"a sync that failed covers nothing", []string{
			`1 pwrite64(3</d/a>, "NEW", 3, 0) = 3`, `1 fsync(3</d/a>) = -1 EIO (Input/output error)`,
		}, 2, nothing, map[string]string{"a": "old"}},
		{
			"a write that was cut short is as long as it says",
			[]string{`1 pwrite64(3</d/a>, "NEW", 3, 0) = 1`},
			1, everything,
			map[string]string{"a": "Nld"},
		},
		{"a hole is of zeros", []string{`1 pwrite64(3</d/a>, "!", 1, 4) = 1`}, 1, everything, map[string]string{"a": "old\x00!"}},
		{"a truncation waits too", []string{`1 ftruncate(3</d/a>, 1) = 0`}, 1, nothing, map[string]string{"a": "old"}},
		{"a truncation", []string{`1 ftruncate(3</d/a>, 1) = 0`}, 1, everything, map[string]string{"a": "o"}},
		{"a new name waits for the folder's sync", []string{
			`1 open("/d/b", O_RDWR|O_CREAT, 0600) = 5</d/b>`, `1 write(5</d/b>, "x", 1) = 1`, `1 fsync(5</d/b>) = 0`,
		}, 3, nothing, map[string]string{"a": "old"}},
		{"a new name", []string{
			`1 open("/d/b", O_RDWR|O_CREAT, 0600) = 5</d/b>`, `1 write(5</d/b>, "x", 1) = 1`, `1 write(5</d/b>, "y", 1) = 1`,
			`1 fsync(5</d/b>) = 0`, `1 fsync(4</d>) = 0`,
		}, 5, nothing, map[string]string{"a": "old", "b": "xy"}},
		{"a name that was taken away comes back", []string{`1 unlink("/d/a") = 0`}, 1, nothing, map[string]string{"a": "old"}},
		{"a name that was taken away", []string{`1 unlinkat(AT_FDCWD</d>, "./a", 0) = 0`}, 1, everything, map[string]string{}},
		{
			"a second name",
			[]string{`1 linkat(AT_FDCWD</d>, "./a", AT_FDCWD</d>, "b", 0) = 0`, `1 unlink("/d/a") = 0`, `1 fsync(4</d>) = 0`},
			3,
			nothing,
			map[string]string{"b": "old"},
		},
		{"another name", []string{`1 renameat(AT_FDCWD</d>, "a", AT_FDCWD</d>, "b") = 0`}, 1, everything, map[string]string{"b": "old"}},
		{
			"other folders are none of ours",
			[]string{`1 pwrite64(9</e/a>, "NEW", 3, 0) = 3`, `1 write(7<socket:[12]>, "x", 1) = 1`},
			2,
			everything,
			map[string]string{"a": "old"},
		},
		{
			"the index in shared memory is made anew",
			[]string{`1 open("/d/a-shm", O_RDWR|O_CREAT, 0600) = 5</d/a-shm>`},
			1, everything,
			map[string]string{"a": "old"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events, err := readTrace(strings.NewReader(traced(append(safe[:len(safe):len(safe)], tt.more...)...)), "/d")
			if err != nil {
				t.Fatal(err)
			}
			d, err := replay(events, len(safe)+tt.cut)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for name, content := range d.cut(rand.New(rand.NewPCG(1, 1)), tt.fate) {
				got[name] = string(content)
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("%s\ngot:  %q\nwant: %q", tt.more, got, tt.want)
			}
		})
	}
}

func TestATraceThatCannotBeReplayed(t *testing.T) {
	for _, line := range []string{
		`1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</d/a>, 0) = 0x7f`,
		`1 fallocate(3</d/a>, 0, 0, 4096) = 0`,
		`1 pwrite64(3</d/a>, "ol"..., 3, 0) = 3`,
		`1 openat(AT_FDCWD</d>, "/d/a", O_RDWR|O_CREAT|O_TRUNC, 0600) = 3</d/a>`,
	} {
		if got, err := readTrace(strings.NewReader(traced(line)), "/d"); err == nil {
			t.Errorf("readTrace of %s\ngot:  %v\nwant: an error", line, got)
		}
	}
}

func TestAnAnswerIsGivenWhereItBegins(t *testing.T) {
	const answer = "HTTP/1.1 201 Created\r\nX-Request-Id: 57536e1e0dedb228\r\n\r\n{}"
	for end, lines := range map[string][]string{
		"it ends":                 {`1 <... write resumed>) = 60`},
		"the process ends in it":  {`1 <... write resumed>) = ?`, `1 +++ killed by SIGKILL +++`},
		"the trace ends, silent":  {`1 +++ killed by SIGKILL +++`},
		"another call follows it": {`1 <... write resumed>) = 60`, `1 fsync(3</d/a> <unfinished ...>`, `1 <... fsync resumed>) = ?`},
	} {
		events, err := readTrace(strings.NewReader(traced(slices.Concat([]string{
			`1 write(16<socket:[240957]>, "` + answer + `", 60 <unfinished ...>`,
			`2 pwrite64(3</d/a>, "x", 1, 0) = 1`,
		}, lines)...)), "/d")
		if err != nil {
			t.Fatal(err)
		}
		if got := answersOf(events); len(got) != 1 || got["57536e1e0dedb228"] != 1 || len(events) != 2 {
			t.Errorf("answersOf, where %s\ngot:  %v of %d events\nwant: the request at line 1, of 2", end, got, len(events))
		}
	}
}

func TestATornWriteEndsAtASector(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	e := event{kind: written, offset: 24, data: make([]byte, 4096)}
	seen := map[int]bool{}
	for range 1000 {
		n := tear(rng, e)
		seen[n] = true
		if n != 0 && n != len(e.data)+1 && (int64(n)+e.offset)%sector != 0 {
			t.Fatalf("tear\ngot:  %d bytes of a write at %d\nwant: whole sectors", n, e.offset)
		}
	}
	if len(seen) < 10 {
		t.Errorf("tear\ngot:  %d outcomes\nwant: all, nothing and most sectors", len(seen))
	}
}
