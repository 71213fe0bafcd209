package drf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBrokenJSONIsRefusedInPythonsWords(t *testing.T) {
	for _, tt := range recorded[struct{ Body, Base64, Want string }](t, "json_errors.json") {
		doc := body(t, tt.Body, tt.Base64)
		_, err := readJSON([]byte(doc))
		if got := fmt.Sprint(err); got != tt.Want {
			t.Errorf("readJSON(%.60q)\n got %s\nwant %s", doc, got, tt.Want)
		}
	}
}

func TestJSONIsBounded(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"20 levels are read", strings.Repeat("[", 20) + strings.Repeat("]", 20), "<nil>"},
		{"21 levels are not", strings.Repeat("[", 21) + strings.Repeat("]", 21), "More than 20 levels: line 1 column 21 (char 20)"},
		{"lists side by side are one level", "[" + strings.Repeat("[],", 100) + "[]]", "<nil>"},
		{"levels of objects count", strings.Repeat(`{"a":`, 21) + "1" + strings.Repeat("}", 21), "More than 20 levels: line 1 column 101 (char 100)"},
		{"200 names are read", "{" + strings.Repeat(`"a":1,`, 199) + `"a":1}`, "<nil>"},
		{"201 names are not", "{" + strings.Repeat(`"a":1,`, 200) + `"a":1}`, "More than 200 names: line 1 column 1202 (char 1201)"},
		{"names of objects in lists count", "[" + strings.Repeat(`{"a":1},`, 200) + `{"a":1}]`, "More than 200 names: line 1 column 1603 (char 1602)"},
		{"a body that ends within a character is broken", "{}\xc3", "'utf-8' codec can't decode byte 0xc3 in position 2: unexpected end of data"},
		{"so is one that ends within a long one", "{}\xf0\x9f\x98", "'utf-8' codec can't decode bytes in position 2-4: unexpected end of data"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readJSON([]byte(tt.doc)); fmt.Sprint(err) != tt.want {
				t.Errorf("readJSON(%.40q…)\n got %v\nwant %s", tt.doc, err, tt.want)
			}
		})
	}
}

func TestFloatsPrintAsInPython(t *testing.T) {
	for in, want := range map[string]string{
		"1.5": "1.5", "1e3": "1000.0", "1E+2": "100.0", "-0.0": "-0.0", "1e15": "1000000000000000.0", "1e16": "1e+16",
		"1e-4": "0.0001", "1e-5": "1e-05", "12345678901234567.0": "1.2345678901234568e+16", "1e400": "inf", "-1e400": "-inf",
		"5e-324": "5e-324", "1e100": "1e+100", "0.1": "0.1", "1e-400": "0.0", "9007199254740993.0": "9007199254740992.0",
	} {
		if got := pythonFloat(in); got != want {
			t.Errorf("pythonFloat(%s) = %s, want %s", in, got, want)
		}
	}
}

// FuzzJSON compares with encoding/json, which differs in what differs names.
func FuzzJSON(f *testing.F) {
	for _, tt := range recorded[struct{ Body, Base64 string }](f, "json_errors.json") {
		f.Add([]byte(body(f, tt.Body, tt.Base64)))
	}
	for _, doc := range []string{`{"a":[1,2.5e-3,true,null,"\ud83d\ude00\ud800"],"b":{"c":""}}`, ` [ ] `, `-0`, `"\/"`} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		v, err := readJSON(doc)
		if valid := json.Valid(doc); (err == nil) != valid && !differs(doc, err) {
			t.Errorf("readJSON(%q) = %v; encoding/json finds it valid: %v", doc, err, valid)
		}
		var plain any
		if err != nil || v.kind == float || json.Unmarshal(doc, &plain) != nil {
			return
		}
		if s, ok := plain.(string); ok && surrogate(v.text) == 0 && s != v.text {
			t.Errorf("readJSON(%q) reads %q, encoding/json %q", doc, v.text, s)
		}
		if m, ok := plain.(map[string]any); ok {
			for name := range m {
				if utf8.ValidString(name) && !strings.ContainsRune(name, utf8.RuneError) && v.get(name).kind == absent {
					t.Errorf("readJSON(%q) lacks %q", doc, name)
				}
			}
		}
	})
}

// differs reports whether the two readers disagree for a reason: UTF-8, depth, names, digits.
func differs(doc []byte, err error) bool {
	return !utf8.Valid(doc) || err != nil && slices.ContainsFunc([]string{"More than", "Exceeds"}, func(s string) bool {
		return strings.HasPrefix(err.Error(), s)
	})
}
