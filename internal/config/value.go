package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// put stores a value as the TOML reader gives it, and reports false when it is of another type.
func put(into, value any) bool {
	switch field := into.(type) {
	case *string:
		return store(field, value)
	case *bool:
		return store(field, value)
	case **bool:
		*field = new(bool)
		return store(*field, value)
	case *int:
		n, ok := value.(int64)
		return ok && int64(int(n)) == n && store(field, any(int(n)))
	case **int:
		*field = new(int)
		return put(*field, value)
	case *scalar:
		switch value.(type) {
		case string, bool, int64:
			*field = scalar(fmt.Sprint(value))
			return true
		}
		return false
	case *[]string:
		list, ok := texts(value)
		return ok && store(field, any(list))
	case *map[string]string:
		table, ok := textTable(value)
		return ok && store(field, any(table))
	}
	panic(fmt.Sprintf("config: no setting is a %T", into))
}

func store[T any](field *T, value any) bool {
	v, ok := value.(T)
	if ok {
		*field = v
	}
	return ok
}

func texts(value any) ([]string, bool) {
	items, ok := value.([]any)
	list := make([]string, len(items))
	for i, item := range items {
		text, isText := item.(string)
		list[i], ok = text, ok && isText
	}
	return list, ok
}

func textTable(value any) (map[string]string, bool) {
	items, ok := value.(map[string]any)
	table := make(map[string]string, len(items))
	for name, item := range items {
		text, isText := item.(string)
		table[name], ok = text, ok && isText
	}
	return table, ok
}

// parse reads a variable's or flag's text into the value that put wants, or nil.
func parse(into any, text string) any {
	switch into.(type) {
	case *string, *scalar:
		return text
	case *bool, **bool:
		return map[string]any{"1": true, "true": true, "0": false, "false": false}[strings.ToLower(text)]
	case *int, **int:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
		return nil
	case *[]string:
		return splitList(text)
	case *map[string]string:
		return splitTable(text)
	}
	panic(fmt.Sprintf("config: no setting is a %T", into))
}

func splitList(text string) any {
	list := []any{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

func splitTable(text string) any {
	table := map[string]any{}
	for item := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(item, "=")
		if !ok {
			return nil
		}
		table[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return table
}

// wanted says what a setting takes, in the file and as a text.
func wanted(s *setting) (inFile, asText, example string) {
	switch s.into.(type) {
	case *string:
		return "a text in quotes", "a text", "…"
	case *scalar:
		return "a text in quotes, a whole number, true or false", "a text", "…"
	case *bool, **bool:
		return "true or false", "1 or 0", "1"
	case *int, **int:
		if strings.HasSuffix(s.key, "lifetime_seconds") { // "5m" was meant so; a second is what nobody wants
			return "a whole number", "a whole number", "300"
		}
		return "a whole number", "a whole number", "1"
	case *[]string:
		return "a list of texts", "texts with commas between", "one,two"
	case *map[string]string:
		return "a table of texts", "name=text pairs with commas between", "name=text"
	}
	panic(fmt.Sprintf("config: no setting is a %T", s.into))
}

// asTOML writes what a variable would say as the file would say it.
func asTOML(into any, text string) string {
	switch value := parse(into, text).(type) {
	case string:
		return strconv.Quote(value)
	case []any:
		quoted := make([]string, len(value))
		for i, item := range value {
			quoted[i] = strconv.Quote(item.(string))
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case map[string]any:
		pairs := make([]string, 0, len(value))
		for _, name := range slices.Sorted(maps.Keys(value)) {
			pairs = append(pairs, path{name}.String()+" = "+strconv.Quote(value[name].(string)))
		}
		return "{ " + strings.Join(pairs, ", ") + " }"
	default:
		return fmt.Sprint(value)
	}
}

// remedy writes a better value the way its source is written.
func remedy(s setting, source, better string) string {
	section, name := "", s.key
	if i := strings.LastIndex(s.key, "."); i >= 0 {
		section, name = s.key[:i], s.key[i+1:]
	}
	switch {
	case strings.HasPrefix(source, "--"):
		return source + " " + better
	case strings.HasPrefix(source, variablePrefix) && !strings.Contains(source, ":"):
		return source + "=" + better
	case section != "":
		return name + " = " + asTOML(s.into, better) + "   in [" + section + "]"
	default:
		return name + " = " + asTOML(s.into, better)
	}
}
