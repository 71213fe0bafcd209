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
