//go:build linux

package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

const traces = `File: doorward
Type: cpu
Duration: 4s, Total samples = 60ms
-----------+-------------------------------------------------------
      10ms   indexbytebody
             bytes.IndexByte (inline)
             net/http.(*conn).serve
-----------+-------------------------------------------------------
      30ms   runtime.memmove
             doorward/internal/web.(*Site).log[go.shape.int]
             net/http.(*conn).serve
-----------+-------------------------------------------------------
      20ms   runtime.mcall
-----------+-------------------------------------------------------
`

func TestAFlameGraphAddsUp(t *testing.T) {
	root, err := readTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	serve := root.of["net/http.(*conn).serve"]
	if root.ms != 60 || serve == nil || serve.ms != 40 || len(serve.of) != 2 || root.of["runtime.mcall"].ms != 20 || root.depth() != 4 {
		t.Errorf("got %v ms, %+v, depth %d; want 60 ms, serve with 40 of them in two parts, depth 4", root.ms, serve, root.depth())
	}
	picture := string(root.draw("me <of> a & b"))
	for _, want := range []string{"net/http.(*conn).serve: 40 ms, 66.7 %", ">web.(*Site).log[go.shape.int]<", "me &lt;of&gt; a &amp; b"} {
		if !strings.Contains(picture, want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
	}
}

func TestNoTraces(t *testing.T) {
	for _, text := range []string{"", "-----------+---\n", "-----------+---\n  xms   a\n"} {
		if _, err := readTraces(text); err == nil {
			t.Errorf("%q: want an error", text)
		}
	}
}
