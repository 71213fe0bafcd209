package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// say talks to the operator, unless he wants results only.
func (c *console) say(format string, args ...any) {
	if !c.cli.Quiet {
		fmt.Fprintf(c.err, format+"\n", args...)
	}
}

// result prints v as JSON where that was asked for, and rows for people otherwise.
func (c *console) result(v any, rows [][]string) error {
	if c.cli.JSON {
		return json.NewEncoder(c.out).Encode(v)
	}
	return c.table(rows)
}

// table prints rows in columns, left-aligned and two spaces apart. A terminal gets lines that fit
// it, a pipe whole ones.
func (c *console) table(rows [][]string) error {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	most := width(c.out)
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", widths[i], strings.Map(visible, cell))
		}
		text := []rune(strings.TrimRight(line.String(), " "))
		if most > 0 && len(text) > most {
			text = append(text[:most-1], '…')
		}
		if _, err := fmt.Fprintln(c.out, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// visible keeps what a stranger chose, such as a user name, from steering the terminal.
func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// width is the number of columns of a terminal, 0 for anything else.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// isTerminal reports whether a person is at the other end of f.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
