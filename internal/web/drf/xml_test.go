package drf

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/web"
)

// shownXML is a value as testdata/xml.json shows it.
func shownXML(v value) any {
	switch v.kind {
	case null:
		return nil
	case object:
		o := map[string]any{}
		for _, m := range v.members {
			o[m.name] = shownXML(m.value)
		}
		return o
	case list: // its items are kept as JSON
		var items any
		if json.Unmarshal([]byte(v.text), &items) != nil {
			return "no JSON: " + v.text
		}
		return items
	}
	return typeNames[v.kind] + " " + v.text
}

// untyped is a recorded value without the types of what stands in lists.
func untyped(v any, within bool) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = untyped(v[name], within)
		}
	case []any:
		for i := range v {
			v[i] = untyped(v[i], true)
		}
	case string:
		if n, ok := strings.CutPrefix(v, "int "); ok && within {
			return json.Number(n)
		}
	}
	return v
}

// otherwiseXML are the documents of testdata/xml.json that are read otherwise here, and how (docs/divergences/drf.md).
var otherwiseXML = map[string]string{
	// No document types, no version but 1.0.
	"<!DOCTYPE a><a/>":                         "XML parse error - document types are forbidden: line 1, column 0",
	"<!DOCTYPE a SYSTEM 'x.dtd'><a/>":          "XML parse error - document types are forbidden: line 1, column 0",
	"<!DOCTYPE a PUBLIC 'p' 'x.dtd'><a/>":      "XML parse error - document types are forbidden: line 1, column 0",
	"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>": "XML parse error - document types are forbidden: line 1, column 0",
	"<!ENTITY b 'c'><a/>":                      "XML parse error - document types are forbidden: line 1, column 0",
	"<?xml version='1.1'?><a/>":                "XML parse error - XML declaration not well-formed: line 1, column 0",
	"<?xml version='2.0'?><a/>":                "XML parse error - XML declaration not well-formed: line 1, column 0",
	// What says nothing may be broken.
	"<?xml?><a/>":      "null",
	"<a n:b='1'/>":     "null",
	"<a xmlns:n=''/>":  "null",
	"<a><?XML x?></a>": "null",
	// The place of an error is another.
	"<a>& b</a>":       "XML parse error - not well-formed (invalid token): line 1, column 3",
	"<a>&b</a>":        "XML parse error - not well-formed (invalid token): line 1, column 4",
	"<a b='1' b='2'/>": "XML parse error - duplicate attribute: line 1, column 0",
	"<a b='&x;'/>":     "XML parse error - undefined entity: line 1, column 6",
	"<a:b:c/>":         "XML parse error - not well-formed (invalid token): line 1, column 5",
	"< a/>":            "XML parse error - not well-formed (invalid token): line 1, column 0",
	// Digits are those of ASCII, and a decimal number stays as it was written.
	"<a>١٢</a>":                  `"str ١٢"`,
	"<a>١٢.5</a>":                `"str ١٢.5"`,
	"<a>９</a>":                   `"str ９"`,
	"<a>٢٠١١-12-25 12:45:00</a>": `"str ٢٠١١-12-25 12:45:00"`,
	"<a>1e5</a>":                 `"Decimal 1e5"`,
	"<a>1e1_0</a>":               `"Decimal 1e10"`,
	"<a>1e-5</a>":                `"Decimal 1e-5"`,
	"<a>.5</a>":                  `"Decimal .5"`,
	"<a>5.</a>":                  `"Decimal 5."`,
	"<a>nan</a>":                 `"Decimal nan"`,
	"<a>snan</a>":                `"Decimal snan"`,
	"<a>inf</a>":                 `"Decimal inf"`,
}

func TestXMLIsReadAsByItsLibrary(t *testing.T) {
	for _, tt := range recorded[struct {
		Body, Error string
		Want        any
	}](t, "xml.json") {
		v, err := readXML([]byte(tt.Body))
		got, _ := json.Marshal(shownXML(v))
		want, _ := json.Marshal(untyped(tt.Want, false))
		if err != nil {
			got = []byte("XML parse error - " + err.Error())
		}
		if tt.Error != "" {
			want = []byte(tt.Error)
		}
		if other, ok := otherwiseXML[tt.Body]; ok {
			if other == string(want) {
				t.Errorf("%.60q is not read otherwise", tt.Body)
			}
			want = []byte(other)
		}
		if string(got) != string(want) {
			t.Errorf("readXML(%.60q)\n got: %.200s\nwant: %.200s", tt.Body, got, want)
		}
	}
}

func TestXMLBodiesAreReadAsByDRF(t *testing.T) {
	s := New(Options{XML: true})
	for _, tt := range recorded[struct {
		Name, Body, Type, Want string
		Status                 int
	}](t, "xml_bodies.json") {
		t.Run(tt.Name, func(t *testing.T) {
			w := ask(s, echoRoutes, "POST", "/api/echo/", tt.Body, "Content-Type", xmlMedia, "Accept", xmlMedia)
			if got := w.Body.String(); w.Code != tt.Status || got != tt.Want || w.Header().Get("Content-Type") != tt.Type {
				t.Errorf("POST %q\n got: %d %s %s\nwant: %d %s %s", tt.Body, w.Code, w.Header().Get("Content-Type"), got, tt.Status, tt.Type, tt.Want)
			}
		})
	}
}

func TestXMLIsBounded(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<a>", n) + "1" + strings.Repeat("</a>", n) }
	tests := []struct{ name, doc, want string }{
		{"20 levels are read", nested(20), "<nil>"},
		{"21 levels are not", nested(21), "More than 20 levels: line 1, column 60"},
		{"200 names are read", "<a>" + strings.Repeat("<b/>", 199) + "</a>", "<nil>"},
		{"201 names are not", "<a>" + strings.Repeat("<b/>", 200) + "</a>", "More than 200 names: line 1, column 799"},
		{"attributes count", "<a" + attributes(200) + "/>", "More than 200 names: line 1, column 0"},
		{"elements side by side are one level", "<a>" + strings.Repeat("<b/>", 30) + "</a>", "<nil>"},
		{"bytes that are no UTF-8", "<a>\xff</a>", "'utf-8' codec can't decode byte 0xff in position 3: invalid start byte"},
		{"UTF-16", "\xff\xfe<\x00a\x00/\x00>\x00", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"},
		{"an entity that grows", `<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a>&d;</a>`, "document types are forbidden: line 1, column 0"},
		{"a document type within", "<a><!DOCTYPE a></a>", "document types are forbidden: line 1, column 3"},
		{"a file's entity", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`, "document types are forbidden: line 1, column 0"},
		{"half of a surrogate pair", "<a>x&#xD83D;</a>", "reference to invalid character number: line 1, column 4"},
		{"the same in CDATA is a text", "<a><![CDATA[&#xD83D;]]></a>", "<nil>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readXML([]byte(tt.doc)); fmt.Sprint(err) != tt.want {
				t.Errorf("readXML(%.60q…)\n got: %v\nwant: %s", tt.doc, err, tt.want)
			}
		})
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

// TestASecretStaysAsItIsWritten holds that 007 and 7 are two passwords, where the library takes both for 7.
func TestASecretStaysAsItIsWritten(t *testing.T) {
	s := New(Options{XML: true})
	for _, secret := range []string{"007", "1.50", "1_000", "2011-12-25 12:45:00", "nan", "1e5"} {
		doc := "<root><email>a@example.com</email><password>" + secret + "</password></root>"
		w := ask(s, echoRoutes, "POST", "/api/echo/", doc, "Content-Type", xmlMedia)
		if got, want := w.Body.String(), `{"email":"a@example.com","password":"`+secret+`"}`; got != want {
			t.Errorf("POST %s\n got: %s\nwant: %s", doc, got, want)
		}
	}
}

func TestXMLIsWrittenAsByItsLibrary(t *testing.T) {
	const head = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"an empty text", "", "<root></root>"},
		{"signs of markup", "a<b>&\"'\r\n\t]]>", "<root>a&lt;b&gt;&amp;\"'\r\n\t]]&gt;</root>"},
		{"other scripts", "é\u2028😀", "<root>é\u2028😀</root>"},
		{"a number", 1, "<root>1</root>"},
		{"a long number", int64(-1 << 63), "<root>-9223372036854775808</root>"},
		{"booleans", Object{{"a", true}, {"b", false}}, "<root><a>True</a><b>False</b></root>"},
		{"nothing", Object{{"a", nil}, {"b", []string{}}, {"c", Object{}}}, "<root><a></a><b></b><c></c></root>"},
		{"lists", []Object{{{"a", []string{"x", "y"}}}, nil}, "<root><list-item><a><list-item>x</list-item><list-item>y</list-item></a></list-item><list-item></list-item></root>"},
		{"what XML has not is replaced, where Django fails", "a\x00\x1f\ufffeb\xff", "<root>a\ufffd\ufffd\ufffdb\ufffd</root>"},
		{"a declared number", Object{{"n", account.IntegerValue(7)}}, "<root><n>7</n></root>"},
		{"a declared boolean", Object{{"n", account.BooleanValue(true)}}, "<root><n>True</n></root>"},
		{"a declared decimal", Object{{"n", account.DecimalValue("1.50")}}, "<root><n>1.50</n></root>"},
		{"no declared value", Object{{"n", account.Value{}}}, "<root><n></n></root>"},
		{
			"declared JSON",
			Object{{"n", account.JSONValue([]byte(`{"a":[null,1,1e22,[2,{"x":"<"}]],"b":true,"größe":{}}`))}},
			"<root><n><a><list-item></list-item><list-item>1</list-item><list-item>1e+22</list-item><list-item><list-item>2</list-item><list-item><x>&lt;</x></list-item>" +
				"</list-item></a><b>True</b><größe></größe></n></root>",
		},
		{
			"names that would end the tag",
			Object{{"n", account.JSONValue([]byte(`{"a b":1,"":2,"x><y>":3,"1":4,"a:b":5}`))}},
			"<root><n><a_b>1</a_b><_>2</_><x__y_>3</x__y_><_>4</_><a_b>5</a_b></n></root>",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := encodeXML(nil, tt.v)
			if err != nil || string(got) != head+tt.want {
				t.Errorf("encodeXML(%v)\n got: %s, %v\nwant: %s", tt.v, got, err, head+tt.want)
			}
		})
	}
	if _, err := encodeXML(nil, Object{{"a", 1.5}}); err == nil {
		t.Error("encodeXML of a float: no error, want one")
	}
}

func TestWhoGetsXML(t *testing.T) {
	routes := []web.Route{{Op: "users", Method: "GET", Path: "users/", Access: web.Anyone, Handler: hello}}
	const found, inXML = `200 {"hello":false}`, "200 <?xml version=\"1.0\" encoding=\"utf-8\"?>\n<root><hello>False</hello></root>"
	const missing, never = `404 {"detail":"Not found."}`, `406 {"detail":"Could not satisfy the request Accept header."}`
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	tests := []struct {
		name, target, accept string
		off                  bool
		want                 string
	}{
		{"who asks for it", "/api/users/", "application/xml", false, inXML},
		{"by the suffix", "/api/users.xml", "-", false, inXML},
		{"by the query", "/api/users/?format=xml", "-", false, inXML},
		{"the suffix does not outrank the header", "/api/users.xml", "application/json", false, never},
		{"JSON goes before it", "/api/users/", "application/*", false, found},
		{"who names both gets JSON", "/api/users/", "application/xml, application/json", false, found},
		{"who says nothing gets JSON", "/api/users/", "-", false, found},
		{"a browser gets its page before it", "/api/users/", browser, false, found},
		{"text/xml is another type", "/api/users/", "text/xml", false, never},
		{"a site without it refuses the header", "/api/users/", "application/xml", true, never},
		{"the suffix", "/api/users.xml", "-", true, missing},
		{"and the query", "/api/users/?format=xml", "-", true, missing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := recorder{ask(New(Options{Suffixes: true, XML: !tt.off}), routes, "GET", tt.target, "", "Accept", tt.accept)}
			media := jsonMedia
			if tt.want == inXML {
				media = "application/xml; charset=utf-8"
			}
			if got := w.answer(); got != tt.want || w.Header().Get("Content-Type") != media {
				t.Errorf("GET %s\n got: %s %s\nwant: %s %s", tt.target, w.Header().Get("Content-Type"), got, media, tt.want)
			}
		})
	}
}

func TestOPTIONSTellsOfXML(t *testing.T) {
	for _, on := range []bool{true, false} {
		w := ask(New(Options{XML: on}), echoRoutes, http.MethodOptions, "/api/echo/", "")
		var told struct{ Renders, Parses []string }
		if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil {
			t.Fatal(err)
		}
		want := "[application/json text/html] [application/json application/x-www-form-urlencoded multipart/form-data]"
		if on {
			want = "[application/json text/html application/xml] [application/json application/x-www-form-urlencoded multipart/form-data application/xml]"
		}
		if got := fmt.Sprint(told.Renders, told.Parses); got != want {
			t.Errorf("OPTIONS, XML %v\n got: %s\nwant: %s", on, got, want)
		}
		if got, want := fmt.Sprint(New(Options{XML: on}).Wire().Takes), fmt.Sprint(told.Parses); got != want { // of OpenAPI
			t.Errorf("Wire, XML %v\n got: %s\nwant: %s", on, got, want)
		}
	}
}

func TestASiteWithoutXMLRefusesIt(t *testing.T) {
	w := recorder{ask(New(Options{}), echoRoutes, "POST", "/api/echo/", "<root/>", "Content-Type", xmlMedia)}
	if got, want := w.answer(), `415 {"detail":"Unsupported media type \"application/xml\" in request."}`; got != want {
		t.Errorf("POST\n got: %s\nwant: %s", got, want)
	}
}

// FuzzXML holds that what is read is well-formed, bounded, and JSON, and that what is written of it is well-formed.
func FuzzXML(f *testing.F) {
	for _, tt := range recorded[struct{ Body string }](f, "xml.json") {
		f.Add([]byte(tt.Body))
	}
	f.Add([]byte("<root>\uFBFE</root>")) // a letter that begins no name
	f.Add([]byte("<root>\u0438\u043C\u044F</root>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		v, err := readXML(doc)
		if err != nil {
			return
		}
		if raw, ok := v.json(); ok && !json.Valid(raw) && v.kind != integer {
			t.Errorf("readXML(%q) has the JSON %s", doc, raw)
		}
		out, err := encodeXML(nil, Object{{v.text, v.written}, {"json", account.JSONValue(appendText(nil, v.text))}})
		if err != nil {
			t.Fatalf("encodeXML(%q): %v", v.text, err)
		}
		names := 0
		for d := xml.NewDecoder(strings.NewReader(string(out))); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("encodeXML of %q is %q: %v", v.text, out, err)
			}
			if _, ok := token.(xml.StartElement); ok {
				names++
			}
		}
		if names != 3 {
			t.Errorf("encodeXML of %q has %d elements, want 3: %q", v.text, names, out)
		}
	})
}
