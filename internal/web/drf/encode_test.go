package drf

import "testing"

func TestJSONIsWrittenAsByDRF(t *testing.T) {
	tests := []struct {
		name   string
		v      any
		indent int
		want   string
	}{
		{"text is not escaped to ASCII", "Zoë 李 😀 <&>/", 0, `"Zoë 李 😀 <&>/"`},
		{"control characters are", "\x00\x1f\b\f\n\r\t\"\\\x7f", 0, `"\u0000\u001f\b\f\n\r\t\"\\` + "\x7f\""},
		{"so are the line ends of JavaScript", "\u2028\u2029", 0, `"\u2028\u2029"`},
		{"what is no text is replaced", "a\xed\xa0\x80\xffb", 0, "\"a\ufffd\ufffd\ufffd\ufffdb\""},
		{"numbers and words", Object{{"a", 1}, {"b", int64(-1 << 63)}, {"c", true}, {"d", nil}}, 0, `{"a":1,"b":-9223372036854775808,"c":true,"d":null}`},
		{"members keep their order", Object{{"z", "1"}, {"a", Object{}}, {"m", []string{}}}, 0, `{"z":"1","a":{},"m":[]}`},
		{"lists", []Object{{{"a", []string{"x", "y"}}}, nil}, 0, `[{"a":["x","y"]},{}]`},
		{"blanks", Object{{"a", []string{"x", "y"}}, {"b", Object{}}, {"c", []Object{{{"d", 1}}}}}, 2, "{\n  \"a\": [\n    \"x\",\n    \"y\"\n  ],\n  \"b\": {},\n  \"c\": [\n    {\n      \"d\": 1\n    }\n  ]\n}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := encode(nil, tt.v, tt.indent); err != nil || string(got) != tt.want {
				t.Errorf("encode(%v)\n got %s, %v\nwant %s", tt.v, got, err, tt.want)
			}
		})
	}
	if _, err := encode(nil, Object{{"a", 1.5}}, 0); err == nil {
		t.Error("encode of a float: no error, want one")
	}
}
