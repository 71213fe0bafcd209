//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"html"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// frame is a function on the stack below the functions that called it, and the CPU of both it and what it called.
type frame struct {
	name string
	ms   float64
	of   map[string]*frame
}

func (f *frame) add(stack []string, ms float64) {
	f.ms += ms
	if len(stack) == 0 {
		return
	}
	last := len(stack) - 1 // the outermost
	if f.of == nil {
		f.of = map[string]*frame{}
	}
	inner := f.of[stack[last]]
	if inner == nil {
		inner = &frame{name: stack[last]}
		f.of[stack[last]] = inner
	}
	inner.add(stack[:last], ms)
}

// readTraces reads what `go tool pprof -traces -unit=ms` prints: stacks between lines of dashes, innermost first, the first line with
// its time in front.
func readTraces(text string) (*frame, error) {
	root := &frame{name: "all"}
	_, text, _ = strings.Cut(text, "-----------+")
	for part := range strings.SplitSeq(text, "-----------+") {
		var stack []string
		var ms float64
		for line := range strings.Lines(part) {
			line = strings.TrimSpace(strings.ReplaceAll(line, "(inline)", ""))
			if strings.Trim(line, "-") == "" {
				continue
			}
			if value, name, ok := strings.Cut(line, "ms "); ok && len(stack) == 0 {
				n, err := strconv.ParseFloat(value, 64)
				if err != nil {
					return nil, fmt.Errorf("a trace begins with %q: %w", line, err)
				}
				ms, line = n, strings.TrimSpace(name)
			}
			stack = append(stack, line)
		}
		root.add(stack, ms)
	}
	if root.ms == 0 {
		return nil, fmt.Errorf("no trace in %d bytes", len(text))
	}
	return root, nil
}

// The picture's measures, in pixels.
const (
	flameWidth = 1600
	rowHeight  = 17
	letter     = 6.6 // of the font that is asked for
)

// colours tell whose code it is: ours, net/http's, the runtime's, the system's, and the rest.
var colours = []struct{ prefix, colour string }{
	{"doorward/", "#f4a261"},
	{"net/http", "#8ecae6"},
	{"runtime.", "#cfcfcf"},
	{"internal/runtime/", "#b7b7b7"},
	{"syscall.", "#b7b7b7"},
	{"", "#e9d8a6"},
}

// draw gives a flame graph as an SVG that needs nothing else: callers below, width is CPU, the
// pointer shows names.
func (f *frame) draw(title string) []byte {
	var b bytes.Buffer
	height := (f.depth() + 2) * rowHeight
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="monospace" font-size="11">`+"\n", flameWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><text x="4" y="13" font-weight="bold">%s</text>`+"\n", flameWidth, height, html.EscapeString(title))
	f.drawAt(&b, 0, height-rowHeight, flameWidth/f.ms, f.ms)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (f *frame) drawAt(b *bytes.Buffer, x float64, y int, scale, all float64) {
	width := f.ms * scale
	if width < 0.5 {
		return
	}
	colour := ""
	for _, c := range colours {
		if strings.HasPrefix(f.name, c.prefix) {
			colour = c.colour
			break
		}
	}
	fmt.Fprintf(b, `<g><title>%s: %.0f ms, %.1f %%</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" stroke="#fff" stroke-width=".5"/>`,
		html.EscapeString(f.name), f.ms, 100*f.ms/all, x, y, width, rowHeight, colour)
	name := f.name[strings.LastIndexByte(f.name, '/')+1:]
	if room := int((width - 4) / letter); room > 3 {
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`, x+2, y+12, html.EscapeString(name[:min(room, len(name))]))
	}
	b.WriteString("</g>\n")
	inner := slices.SortedFunc(maps.Values(f.of), func(a, b *frame) int {
		return cmp.Or(cmp.Compare(b.ms, a.ms), cmp.Compare(a.name, b.name))
	})
	for _, each := range inner {
		each.drawAt(b, x, y-rowHeight, scale, all)
		x += each.ms * scale
	}
}

func (f *frame) depth() (deepest int) {
	for _, each := range f.of {
		deepest = max(deepest, each.depth())
	}
	return deepest + 1
}

// drawProfile leaves a flame graph and the dearest functions beside a CPU profile.
func drawProfile(ctx context.Context, base, title string) error {
	pprof := func(args ...string) ([]byte, error) {
		out, err := exec.CommandContext(ctx, "go", append(append([]string{"tool", "pprof"}, args...), base+".cpu.pprof")...).Output()
		if err != nil {
			return nil, fmt.Errorf("read %s.cpu.pprof: %w", base, err)
		}
		return out, nil
	}
	traces, err := pprof("-traces", "-unit=ms")
	if err != nil {
		return err
	}
	root, err := readTraces(string(traces))
	if err != nil {
		return fmt.Errorf("read %s.cpu.pprof: %w", base, err)
	}
	top, err := pprof("-top", "-cum", "-nodecount=100")
	if err != nil {
		return err
	}
	if err := os.WriteFile(base+".top.txt", top, 0o644); err != nil {
		return err
	}
	return os.WriteFile(base+".svg", root.draw(title), 0o644)
}
