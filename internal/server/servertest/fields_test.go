package servertest

import (
	"encoding/json"
	"strings"
	"testing"

	"doorward/internal/config"
)

// everyKind declares a field of each kind, of the user and of his profile.
func everyKind(cfg *config.Config) {
	for _, kind := range []string{"text", "long-text", "integer", "decimal", "boolean", "date", "timestamp", "choice", "url", "phone", "json"} {
		f := config.Field{Name: "my_" + strings.ReplaceAll(kind, "-", "_"), Type: kind}
		if kind == "choice" {
			f.Choices = []string{"a", "b"}
		}
		cfg.Fields = append(cfg.Fields, f)
	}
	cfg.Profiles = []config.Profile{{Name: "profile", Auto: true, Fields: cfg.Fields}}
}

// TestEveryKindUnderV1 writes and reads a value of each kind over HTTP, on both engines, and some that are refused.
func TestEveryKindUnderV1(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, everyKind)
		p := s.signUp(t, "ann@example.com")
		for _, tt := range []struct{ member, sent, kept, refused string }{
			{"my_text", `"Ann \u00c5"`, `"Ann Å"`, `7`},
			{"my_long_text", `"a\nb"`, `"a\nb"`, `"` + strings.Repeat("x", 10001) + `"`},
			{"my_integer", `-9223372036854775808`, `-9223372036854775808`, `1.5`},
			{"my_decimal", `"1.5"`, `"1.50"`, `"1.555"`},
			{"my_boolean", `false`, `false`, `"false"`},
			{"my_date", `"1990-2-8"`, `"1990-02-08"`, `"1990-02-30"`},
			{"my_timestamp", `"2026-11-22T01:02:03.5+01:00"`, `"2026-11-22T00:02:03.5Z"`, `"yesterday"`},
			{"my_choice", `"b"`, `"b"`, `"c"`},
			{"my_url", `"https://example.com/?a=1&b"`, `"https://example.com/?a=1&b"`, `"javascript:alert(1)"`},
			{"my_phone", `"+44 20"`, `"+44 20"`, `"none"`},
			{"my_json", `{"b": [1.0, null], "a": "x"}`, `{"b":[1.0,null],"a":"x"}`, `{"a": "\u0000"}`},
		} {
			for _, form := range []string{`{"` + tt.member + `": %}`, `{"profile": {"` + tt.member + `": %}}`} {
				set := func(value string) *Reply {
					body := json.RawMessage(strings.ReplaceAll(form, "%", value))
					return s.Send(t, "PATCH", "/v1/me", body, bearer(p.Access)...)
				}
				if r := set(tt.sent); r.Status != 200 {
					t.Errorf("%s: got %d %s", form, r.Status, r.Body)
				}
				if r := set(tt.refused); r.Status != 400 || !strings.Contains(string(r.Body), tt.member) {
					t.Errorf("%s of %.40s: got %d %s, want 400", form, tt.refused, r.Status, r.Body)
				}
			}
			r := s.Do(t, "GET", "/v1/me", nil, bearer(p.Access)...)
			var got map[string]json.RawMessage
			r.JSON(t, &got)
			var profile map[string]json.RawMessage
			if err := json.Unmarshal(got["profile"], &profile); err != nil {
				t.Fatal(err)
			}
			for where, raw := range map[string]json.RawMessage{"user": got[tt.member], "profile": profile[tt.member]} {
				var have, want any
				if json.Unmarshal(raw, &have) != nil || json.Unmarshal([]byte(tt.kept), &want) != nil || !sameJSON(have, want) {
					t.Errorf("%s of the %s: got %s, want %s", tt.member, where, raw, tt.kept)
				}
			}
		}
	})
}

func sameJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// TestEveryKindUnderDRF does so in a contract of REST framework's, of the user and of his profile, and in a form.
func TestEveryKindUnderDRF(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, everyKind)
		var up welcome
		s.post(t, 201, "/api/accounts/signup/", john(map[string]any{"my_json": []any{1, map[string]any{"a": nil}}, "profile": map[string]any{"my_json": "x"}}), &up)
		if text := string(up.User); !strings.Contains(text, `"my_json":[1,{"a":null}]`) || !strings.Contains(text, `"my_json":"x"}`) {
			t.Errorf("JSON at a sign-up: got %s", text)
		}
		auth := bearer(up.Tokens.Access)
		for _, tt := range []struct{ member, sent, kept, refused string }{
			{"my_text", `7`, `"7"`, `["a"]`},
			{"my_long_text", `"a\nb"`, `"a\nb"`, `true`},
			{"my_integer", `"12"`, `12`, `1.5`},
			{"my_decimal", `1.5`, `"1.50"`, `"1.555"`},
			{"my_boolean", `"yes"`, `true`, `"maybe"`},
			{"my_date", `"1990-2-8"`, `"1990-02-08"`, `"8.2.1990"`},
			{"my_timestamp", `"2026-11-22T01:02:03.5+01:00"`, `"2026-11-22T00:02:03.500000Z"`, `"yesterday"`},
			{"my_choice", `"b"`, `"b"`, `"c"`},
			{"my_url", `"https://example.com/"`, `"https://example.com/"`, `"x"`},
			{"my_phone", `"+44 20"`, `"+44 20"`, `"none"`},
			{"my_json", `{"b": [1.0, null, []], "a": "\u00e5"}`, `{"b":[1.0,null,[]],"a":"\u00e5"}`, `["\u0000"]`},
			{"my_json", `false`, `false`, `{"a": "` + strings.Repeat("x", 1<<14) + `"}`},
		} {
			for _, form := range []string{`{"` + tt.member + `": %}`, `{"profile": {"` + tt.member + `": %}}`} {
				for value, want := range map[string]int{tt.sent: 200, tt.refused: 400} {
					for _, path := range []string{"/auth/users/me/", "/api/accounts/me/"} {
						r := s.Send(t, "PATCH", path, json.RawMessage(strings.ReplaceAll(form, "%", value)), auth...)
						if said := `"` + tt.member + `":` + tt.kept; r.Status != want || want == 200 && !strings.Contains(string(r.Body), said) {
							t.Errorf("PATCH %s %s of %.40s:\n got: %d %s\nwant: %d %s", path, form, value, r.Status, r.Body, want, said)
						}
					}
				}
			}
		}
		r := s.Do(t, "PATCH", "/api/accounts/me/", strings.NewReader("my_json=%5B1%2C+%22a%22%5D&profile.my_json=null&profile.my_integer=3"), append(auth, "Content-Type", "application/x-www-form-urlencoded")...)
		if text := string(r.Body); !strings.Contains(text, `"my_json":[1,"a"]`) || !strings.Contains(text, `"my_integer":3`) {
			t.Errorf("a form: got %d %s", r.Status, text)
		}
		r = s.Do(t, "OPTIONS", "/auth/users/", nil, auth...)
		for _, want := range []string{
			`"my_choice":{"type":"choice","required":false,"read_only":false,"label":"My choice","choices":[{"value":"a","display_name":"a"},{"value":"b","display_name":"b"}]}`,
			`"profile":{"type":"nested object","required":false,"read_only":false,"label":"Profile","children":{"my_text":{"type":"string",`,
			`"my_json":{"type":"field","required":false,"read_only":false,"label":"My json"}`,
		} {
			if !strings.Contains(string(r.Body), want) {
				t.Errorf("OPTIONS:\n got: %s\nwant: %s", r.Body, want)
			}
		}
		s.faultless(t)
	})
}
