package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

const (
	usualFile = "doorward.toml"
	mostBytes = 1 << 20
)

// document is a configuration file. The zero document is that there is none.
type document struct {
	name string
	text []byte
}

// readDocument reads name, or the usual file if name is "" and it is there.
func readDocument(name string) (document, *Fault) {
	path := cmp.Or(name, usualFile)
	text, err := readSmallFile(path)
	switch {
	case err == nil:
		return document{path, text}, nil
	case errors.Is(err, fs.ErrNotExist) && name == "":
		return document{}, nil
	case errors.Is(err, fs.ErrNotExist):
		return document{name: path}, &Fault{
			What: "configuration file " + path + " is not there",
			Why:  "it was asked for by --config or DOORWARD_CONFIG", Try: "doorward serve without it, or another path",
		}
	}
	return document{name: path}, &Fault{What: "configuration file " + path + " cannot be read", Why: reason(err)}
}

// readSmallFile refuses what is no file, such as a device that never ends.
func readSmallFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	if info.Size() > mostBytes {
		return nil, fmt.Errorf("it is longer than %d bytes", mostBytes)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostBytes))
}

// assignment is one value on its way to a setting.
type assignment struct {
	path   path
	value  any
	source string
	line   int
}

// assignments lists what the document sets, in its own order.
func (d document) assignments() ([]assignment, *Fault) {
	table := map[string]any{}
	if err := toml.Unmarshal(d.text, &table); err != nil {
		return nil, d.syntaxFault(err)
	}
	list := d.walk(nil, nil, table, d.lines())
	slices.SortStableFunc(list, func(a, b assignment) int {
		return cmp.Or(a.line-b.line, strings.Compare(a.path.String(), b.path.String()))
	})
	return list, nil
}

// walk goes down where sections may be and takes everything else, known or not, as a value.
func (d document) walk(list []assignment, at path, table map[string]any, lines map[string]int) []assignment {
	for name, value := range table {
		p := append(slices.Clone(at), name)
		inner, isTable := value.(map[string]any)
		if isTable && isSection(p) {
			list = d.walk(list, p, inner, lines)
		}
		if !isTable || !isSection(p) || p[0] == "mounts" || isDeclaration(p) { // it may be there and say nothing
			line := lines[p.String()]
			list = append(list, assignment{p, value, fmt.Sprintf("%s:%d", d.name, line), line})
		}
	}
	return list
}

func (d document) syntaxFault(err error) *Fault {
	fault := &Fault{Source: d.name, What: d.name + " is not TOML", Why: strings.TrimPrefix(err.Error(), "toml: ")}
	if at, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := at.Position()
		fault.Source = fmt.Sprintf("%s:%d:%d", d.name, line, column)
	}
	if strings.HasPrefix(fault.Why, "unable to parse") { // goes on with the value
		fault.Why = "a number there is none"
	}
	fault.Why = strings.ReplaceAll(fault.Why, "\n", " ")
	if strings.Contains(fault.Why, "start of value") {
		fault.Try = "put texts in quotes"
	}
	return fault
}

// lines finds where each key and table first stands. The text has been read as TOML before.
func (d document) lines() map[string]int {
	lines := map[string]int{}
	var parser unstable.Parser
	parser.Reset(d.text)
	var section path
	for parser.NextExpression() {
		node := parser.Expression()
		if node.Kind == unstable.KeyValue {
			d.note(lines, section, node)
			continue
		}
		section = d.note(lines, nil, node)
	}
	return lines
}

func (d document) note(lines map[string]int, at path, node *unstable.Node) path {
	p := slices.Clone(at)
	for key := node.Key(); key.Next(); {
		part := key.Node()
		p = append(p, string(part.Data))
		if _, known := lines[p.String()]; !known {
			lines[p.String()] = 1 + bytes.Count(d.text[:part.Raw.Offset], []byte("\n"))
		}
	}
	if node.Kind == unstable.KeyValue && node.Value().Kind == unstable.InlineTable {
		for inner := node.Value().Children(); inner.Next(); {
			d.note(lines, p, inner.Node())
		}
	}
	return p
}
