package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// TOML is the configuration file that says what c says: every key that is not as Default has it.
// Secrets are left out: the file is printed.
func (c *Config) TOML() string {
	var b strings.Builder
	defaults := map[string]any{}
	for _, s := range Default().settings() {
		defaults[s.key] = reflect.ValueOf(s.into).Elem().Interface()
	}
	section := ""
	for _, s := range c.settings() {
		value := reflect.ValueOf(s.into).Elem().Interface()
		if reflect.DeepEqual(value, defaults[s.key]) || slices.Contains(secretKeys, s.key) {
			continue
		}
		above, key, ok := strings.Cut(s.key, ".")
		if !ok {
			above, key = "", s.key
		}
		if above != section {
			fmt.Fprintf(&b, "\n[%s]\n", above)
			section = above
		}
		fmt.Fprintf(&b, "%s = %s\n", key, tomlOf(value))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Mounts)) {
		m := c.Mounts[name]
		m.write(&b, path{"mounts", name})
	}
	for i := range c.Profiles {
		c.Profiles[i].write(&b)
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// write writes the section of a mount, with its tables behind it.
func (m *Mount) write(b *strings.Builder, at path) {
	fmt.Fprintf(b, "\n[%s]\n", at)
	var tables []setting
	for _, s := range m.settings() {
		value := reflect.ValueOf(s.into).Elem()
		switch {
		case value.IsZero():
		case value.Kind() == reflect.Map:
			tables = append(tables, s)
		case value.Kind() == reflect.Pointer:
			fmt.Fprintf(b, "%s = %s\n", s.key, tomlOf(value.Elem().Interface()))
		default:
			fmt.Fprintf(b, "%s = %s\n", s.key, tomlOf(value.Interface()))
		}
	}
	for _, s := range tables {
		table := *s.into.(*map[string]string)
		fmt.Fprintf(b, "\n[%s]\n", append(slices.Clone(at), s.key))
		for _, name := range slices.Sorted(maps.Keys(table)) {
			fmt.Fprintf(b, "%s = %s\n", path{name}, tomlText(table[name]))
		}
	}
}

// write writes the section of a profile, with its fields behind it.
func (p *Profile) write(b *strings.Builder) {
	at := path{"profiles", p.Name}
	if p.Name == defaultProfile {
		at = path{defaultProfile}
	}
	fmt.Fprintf(b, "\n[%s]\n", at)
	writeSaid(b, p.settings())
	for i := range p.Fields {
		f := &p.Fields[i]
		fmt.Fprintf(b, "\n[%s]\n", append(slices.Clone(at), fieldsSection, f.Name))
		writeSaid(b, f.settings())
	}
}

// writeSaid writes the settings that say something.
func writeSaid(b *strings.Builder, settings []setting) {
	for _, s := range settings {
		value := reflect.ValueOf(s.into).Elem()
		switch {
		case value.IsZero():
		case value.Kind() == reflect.Pointer:
			fmt.Fprintf(b, "%s = %s\n", s.key, tomlOf(value.Elem().Interface()))
		case value.Kind() == reflect.String:
			fmt.Fprintf(b, "%s = %s\n", s.key, tomlText(value.String()))
		default:
			fmt.Fprintf(b, "%s = %s\n", s.key, tomlOf(value.Interface()))
		}
	}
}

func tomlOf(value any) string {
	switch v := value.(type) {
	case string:
		return tomlText(v)
	case []string:
		quoted := make([]string, len(v))
		for i, text := range v {
			quoted[i] = tomlText(text)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return fmt.Sprint(value)
}

// tomlText quotes text. What JSON escapes TOML escapes alike, but for the last control character.
func tomlText(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text always can be
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}
