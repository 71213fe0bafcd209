package crash

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// tracer is the command that records what a server writes. It runs beside the server (-D), whose
// parent we stay, and ends with it.
func tracer(file string) []string {
	const calls = "?open,openat,?creat,pwrite64,write,?pwritev,?pwritev2,?writev,fsync,fdatasync,?ftruncate,?truncate,?fallocate," +
		"?sync_file_range,?copy_file_range,?unlink,unlinkat,?rename,?renameat,?renameat2,?link,linkat,mmap"
	return []string{"strace", "-D", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "200000", "-o", file, "-e", "trace=" + calls, "-e", "signal=none"}
}

// event is a call that changed a file of the server's folder, or asked for its safety, or began to
// send an answer. Its place in time are the lines of the trace where it began and ended.
type event struct {
	kind         kind
	name, to     string // in the folder; "." is the folder
	offset       int64  // -1: behind what was written before
	size         int64
	data         []byte
	request      string // of an answer
	began, ended int
}

type kind string

const (
	created   kind = "created"
	written   kind = "written"
	truncated kind = "truncated"
	synced    kind = "synced"
	unlinked  kind = "unlinked"
	linked    kind = "linked"
	renamed   kind = "renamed"
	answering kind = "answering"
)

// call is one call of the system, as strace prints it with -y -xx.
type call struct {
	name         string
	args, result string
	began, ended int
}

// readTrace gives the events of a trace that concern folder, in the order they ended. An answer
// that the server's end interrupted is one of them, the last: its client may have it. Any other
// call without an end has let nobody go on.
func readTrace(r io.Reader, folder string) (events []event, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4<<20)
	open := map[string]call{} // by process: a call that has begun
	n := 1
	for ; lines.Scan(); n++ {
		c, ok := readCall(lines.Text(), n, open)
		if !ok {
			continue
		}
		e, err := c.event(folder)
		if err != nil {
			return nil, fmt.Errorf("line %d of the trace: %w", n, err)
		}
		if e != nil {
			e.began, e.ended = c.began, c.ended
			events = append(events, *e)
		}
	}
	for _, c := range slices.SortedFunc(maps.Values(open), func(a, b call) int { return a.began - b.began }) {
		c.name, c.args, _ = strings.Cut(c.args, "(")
		if e := c.answer(); e != nil {
			e.began, e.ended = c.began, n
			events = append(events, *e)
		}
	}
	return events, lines.Err()
}

// readCall reads a line, and reports false where no call ends in it.
func readCall(line string, n int, open map[string]call) (c call, ok bool) {
	process, text, _ := strings.Cut(line, " ")
	text = strings.TrimSpace(text)
	if begun, ok := strings.CutSuffix(text, "<unfinished ...>"); ok {
		open[process] = call{args: strings.TrimSpace(begun), began: n}
		return c, false
	}
	c.began, c.ended = n, n
	if _, rest, ok := strings.Cut(text, " resumed>"); ok && strings.HasPrefix(text, "<... ") {
		before := open[process]
		if !strings.HasSuffix(text, " = ?") { // it has an end, and not that of its process
			delete(open, process)
		}
		c.began, text = before.began, before.args+rest
	}
	i := strings.LastIndex(text, " = ")
	name, args, ok := strings.Cut(text[:max(i, 0)], "(")
	if !ok {
		return c, false // a signal, or the end of a process
	}
	c.name, c.args, c.result = name, strings.TrimSuffix(strings.TrimSpace(args), ")"), text[i+len(" = "):]
	return c, !strings.HasPrefix(c.result, "-") && !strings.HasPrefix(c.result, "?")
}

// event understands a call; nil: it is none of ours.
func (c *call) event(folder string) (*event, error) {
	switch c.name {
	case "unlink", "unlinkat":
		return c.naming(unlinked, folder)
	case "link", "linkat":
		return c.naming(linked, folder)
	case "rename", "renameat", "renameat2":
		return c.naming(renamed, folder)
	case "open", "openat", "creat":
		return c.opening(folder)
	}
	if e := c.answer(); e != nil {
		return e, nil
	}
	name, ours := inFolder(descriptor(c.args), folder)
	if !ours {
		return nil, nil
	}
	switch c.name {
	case "write", "pwrite64":
		return c.writing(name)
	case "fsync", "fdatasync":
		return &event{kind: synced, name: name}, nil
	case "ftruncate":
		size, err := strconv.ParseInt(c.lastArg(), 10, 64)
		return &event{kind: truncated, name: name, size: size}, err
	case "mmap":
		if !strings.Contains(c.args, "PROT_WRITE") || !strings.Contains(c.args, "MAP_SHARED") {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("%s of %s is a change that the replay does not know", c.name, name)
}

// answer reads the beginning of an HTTP answer.
func (c *call) answer() *event {
	const header = "X-Request-Id: "
	if c.name != "write" {
		return nil
	}
	texts, err := c.texts()
	if err != nil || len(texts) != 1 || !strings.HasPrefix(texts[0], "HTTP/1.1 ") {
		return nil
	}
	_, rest, ok := strings.Cut(texts[0], header)
	if !ok {
		return nil
	}
	id, _, _ := strings.Cut(rest, "\r\n")
	return &event{kind: answering, request: id}
}

func (c *call) naming(k kind, folder string) (*event, error) {
	paths, err := c.texts()
	if err != nil {
		return nil, err
	}
	e := &event{kind: k}
	for i, into := range []*string{&e.name, &e.to}[:len(paths)] {
		path := paths[i]
		if !filepath.IsAbs(path) { // the server works in the folder
			path = filepath.Join(folder, path)
		}
		name, ours := inFolder(path, folder)
		if !ours {
			return nil, nil
		}
		*into = name
	}
	return e, nil
}

func (c *call) opening(folder string) (*event, error) {
	name, ours := inFolder(descriptor(c.result), folder)
	switch {
	case !ours || name == ".":
		return nil, nil
	case strings.Contains(c.args, "O_TRUNC"):
		return nil, errors.New("O_TRUNC is a change that the replay does not know")
	case strings.Contains(c.args, "O_CREAT"):
		return &event{kind: created, name: name}, nil // or it was there
	}
	return nil, nil
}

func (c *call) writing(name string) (*event, error) {
	texts, err := c.texts()
	if err != nil || len(texts) != 1 {
		return nil, fmt.Errorf("a write of %d texts: %w", len(texts), err)
	}
	n, err := strconv.Atoi(c.result)
	if err != nil {
		return nil, err
	}
	e := &event{kind: written, name: name, offset: -1, data: []byte(texts[0][:n])}
	if c.name == "pwrite64" {
		e.offset, err = strconv.ParseInt(c.lastArg(), 10, 64)
	}
	return e, err
}

func (c *call) lastArg() string { return c.args[strings.LastIndex(c.args, " ")+1:] }

// texts are the texts among the arguments, all of \x escapes.
func (c *call) texts() (list []string, err error) {
	parts := strings.Split(c.args, `"`)
	for i := 1; i < len(parts); i += 2 {
		text, err := unescape(parts[i])
		if err != nil || i+1 < len(parts) && strings.HasPrefix(parts[i+1], "...") {
			return nil, fmt.Errorf("a text that is cut short, or none: %w", err)
		}
		list = append(list, text)
	}
	return list, nil
}

func unescape(text string) (string, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
	return string(b), err
}

// descriptor is the path of the first open file in a text such as 9<\x2f\x74>.
func descriptor(text string) string {
	_, rest, _ := strings.Cut(text, "<")
	path, rest, _ := strings.Cut(rest, ">")
	path, err := unescape(path)
	if err != nil || !filepath.IsAbs(path) || strings.HasPrefix(rest, "(deleted)") { // a socket is no path
		return ""
	}
	return path
}

// inFolder is a path's name in folder. The index in shared memory is none of ours: SQLite makes it
// anew from the log.
func inFolder(path, folder string) (name string, ours bool) {
	if path == folder {
		return ".", true
	}
	name = filepath.Base(path)
	return name, filepath.Dir(path) == folder && !strings.HasSuffix(name, "-shm")
}

// answersOf says where in a trace each answer began, by the request's id.
func answersOf(events []event) map[string]int {
	lines := map[string]int{}
	for e := range slices.Values(events) {
		if e.kind == answering {
			lines[e.request] = e.began
		}
	}
	return lines
}
