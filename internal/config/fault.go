package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode"
)

// Fault is one thing an operator has to put right: what is wrong, why, and what to try. Values of
// secret keys are in none of its texts.
type Fault struct {
	Key    string // "cors.origins"; "" when it is about no key
	Source string // "doorward.toml:12", "DOORWARD_ADDR", "--addr"; "" for a default
	What   string
	Why    string
	Try    string
}

// Error gives at most three lines, of which the first begins with no "error: ".
func (f Fault) Error() string {
	lines := []string{f.What}
	why := f.Why
	if f.Source != "" {
		why = strings.TrimSuffix(f.Source+": "+f.Why, ": ")
	}
	if why != "" {
		lines = append(lines, "  "+why)
	}
	if f.Try != "" {
		lines = append(lines, "  try: "+f.Try)
	}
	for i, line := range lines {
		lines[i] = strings.Map(printable, line)
	}
	return strings.Join(lines, "\n")
}

// Faults are all that is wrong, never just the first. One or more of them are an error.
type Faults []Fault

// Error joins the faults so that they read well behind "error: ", which is where every error of a
// command is printed.
func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i, fault := range f {
		texts[i] = fault.Error()
	}
	return strings.Join(texts, "\nerror: ")
}

// printable keeps one line one line, whatever a path or a name holds.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

func (f Faults) about(key string) bool {
	for _, fault := range f {
		if fault.Key == key {
			return true
		}
	}
	return false
}

// shown quotes what an operator wrote, on one line and not too long.
func shown(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// reason is what the system says, without the path that the message names already.
func reason(err error) string {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err.Error()
	}
	if at, ok := errors.AsType[*os.LinkError](err); ok {
		return at.Err.Error()
	}
	return err.Error()
}
