package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"doorward/internal/config"
	"doorward/internal/token"
	"doorward/internal/web"
)

func yes() *bool { b := true; return &b }

func number(n int) *int { return &n }

// described is a configuration with every preset and every kind of declared field.
func described() *config.Config {
	cfg := config.Default()
	cfg.Mounts = map[string]config.Mount{}
	for _, name := range Presets() {
		cfg.Mounts[name] = config.Mount{Preset: name, Prefix: "/" + name + "/"}
	}
	cfg.Fields = []config.Field{
		{Name: "nickname", Min: number(2), Max: number(12), Pattern: "^[a-z]+$", Help: "What friends say.", Label: "Nick name"},
		{Name: "role", Type: "choice", Choices: []string{"Teacher", "Student"}, Default: "Student", Write: "staff", SignUp: yes()},
		{Name: "level", Type: "integer", Min: number(1), Max: number(9)},
		{Name: "balance", Type: "decimal", Write: "staff"},
		{Name: "note", Read: "staff"},
		{Name: "adult", Type: "boolean", Required: yes()},
		{Name: "born", Type: "date"},
		{Name: "seen", Type: "timestamp", Computed: "changed"},
		{Name: "site", Type: "url"},
		{Name: "mobile", Type: "phone", Required: yes()},
		{Name: "code", Pattern: "(?i)^x"},
	}
	cfg.Profiles = []config.Profile{{Name: "profile", Required: true, Fields: []config.Field{{Name: "zip", Max: number(5), Required: yes()}}}}
	return cfg
}

// document makes the document of a configuration, and the route tables that it is made of.
func document(t *testing.T, cfg *config.Config) (doc map[string]any, mounts []web.Mount) {
	t.Helper()
	body, err := OpenAPI(cfg, "", "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	if err := rehearseWith(cfg, p, func(s *web.Site) error { mounts = s.Mounts(); return nil }); err != nil {
		t.Fatal(err)
	}
	return doc, mounts
}

// at follows a path of names, "/"-separated with ~1 for a slash (RFC 6901); nil when it leads nowhere.
func at(doc any, pointer string) any {
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		object, _ := doc.(map[string]any)
		doc = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	return doc
}

// walk hands every object of a document to f, with where it stands.
func walk(v any, where string, f func(where string, object map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(where, v)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			walk(v[name], where+"/"+name, f)
		}
	case []any:
		for i := range v {
			walk(v[i], fmt.Sprint(where, "/", i), f)
		}
	}
}

var (
	templated    = regexp.MustCompile(`\{([^}]*)\}`)
	componentKey = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)
	statusKey    = regexp.MustCompile(`^([1-5][0-9][0-9]|[1-5]XX|default)$`)
	types        = []string{"null", "boolean", "object", "array", "number", "string", "integer"}
)

// TestTheDocumentKeepsTheRules holds the document against what OpenAPI 3.1.1 asks for.
func TestTheDocumentKeepsTheRules(t *testing.T) {
	doc, _ := document(t, described())
	if doc["openapi"] != "3.1.1" || at(doc, "/info/title") != "Doorward" || at(doc, "/info/version") != "1.2.3" {
		t.Errorf("got %v of %v", doc["openapi"], doc["info"])
	}
	ids := map[any]string{}
	for path, item := range doc["paths"].(map[string]any) {
		if !strings.HasPrefix(path, "/") {
			t.Errorf("%s begins with no slash", path)
		}
		for method, operation := range item.(map[string]any) {
			checkOperation(t, doc, method+" "+path, path, operation.(map[string]any), ids)
		}
	}
	for kind, all := range doc["components"].(map[string]any) {
		for name := range all.(map[string]any) {
			if !componentKey.MatchString(name) {
				t.Errorf("components/%s/%s: a component has no such name", kind, name)
			}
		}
	}
	walk(doc, "#", func(where string, object map[string]any) {
		if ref, ok := object["$ref"].(string); ok && at(doc, strings.TrimPrefix(ref, "#")) == nil {
			t.Errorf("%s: %s leads nowhere", where, ref)
		}
	})
	walk(doc["components"].(map[string]any)["schemas"], "#", func(where string, object map[string]any) { checkSchema(t, where, object) })
}

func checkOperation(t *testing.T, doc map[string]any, name, path string, o map[string]any, ids map[any]string) {
	t.Helper()
	id := o["operationId"]
	if other, taken := ids[id]; taken || id == "" || id == nil {
		t.Errorf("%s and %s are both called %v", name, other, id)
	}
	ids[id] = name
	declared := map[string]bool{}
	parameters, _ := o["parameters"].([]any)
	for _, p := range parameters {
		p := p.(map[string]any)
		declared[fmt.Sprint(p["in"], " ", p["name"])] = true
		if p["in"] == "path" && p["required"] != true || p["schema"] == nil {
			t.Errorf("%s: the parameter %v is not as it should be", name, p)
		}
		checkSchema(t, name, p["schema"].(map[string]any))
	}
	inPath := templated.FindAllStringSubmatch(path, -1)
	for _, m := range inPath {
		if !declared["path "+m[1]] {
			t.Errorf("%s does not declare its parameter %s", name, m[1])
		}
	}
	if len(declared) != len(parameters) {
		t.Errorf("%s declares a parameter twice: %v", name, parameters)
	}
	responses := o["responses"].(map[string]any)
	good := false
	for status, r := range responses {
		r := r.(map[string]any)
		good = good || strings.HasPrefix(status, "2")
		if !statusKey.MatchString(status) || r["$ref"] == nil && r["description"] == nil {
			t.Errorf("%s: the response %s is not as it should be: %v", name, status, r)
		}
		walk(r["content"], name, func(where string, object map[string]any) {
			if object["properties"] != nil {
				checkSchema(t, where, object)
			}
		})
	}
	if !good {
		t.Errorf("%s has no answer for when all goes well", name)
	}
	security, ok := o["security"].([]any)
	if !ok || len(security) == 0 && o["x-access"] != "anyone" {
		t.Errorf("%s says nothing of how to come in", name)
	}
	for _, way := range security {
		for scheme := range way.(map[string]any) {
			if at(doc, "/components/securitySchemes/"+scheme) == nil {
				t.Errorf("%s asks for %s, which is described nowhere", name, scheme)
			}
		}
	}
}

func checkSchema(t *testing.T, where string, s map[string]any) {
	t.Helper()
	kinds, _ := s["type"].([]any)
	if kind, ok := s["type"].(string); ok {
		kinds = append(kinds, kind)
	}
	for _, kind := range kinds {
		if !slices.Contains(types, fmt.Sprint(kind)) {
			t.Errorf("%s: %v is no type", where, kind)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if properties[fmt.Sprint(name)] == nil {
			t.Errorf("%s asks for %v, which it does not have", where, name)
		}
	}
	if s["readOnly"] == true && s["writeOnly"] == true {
		t.Errorf("%s is both for reading and for writing", where)
	}
	if pattern, ok := s["pattern"].(string); ok {
		if _, err := regexp.Compile(pattern); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// TestEveryRouteIsDescribed walks the route tables of all presets.
func TestEveryRouteIsDescribed(t *testing.T) {
	doc, mounts := document(t, described())
	operations := 0
	for _, m := range mounts {
		for _, r := range m.Routes {
			operations++
			where := fmt.Sprintf("/paths/%s/%s", strings.NewReplacer("/", "~1", ":int", "").Replace(m.Prefix+r.Path), strings.ToLower(r.Method))
			o, _ := at(doc, where).(map[string]any)
			if o == nil || o["x-op"] != r.Op || o["tags"].([]any)[0] != m.Name {
				t.Errorf("%s %s %s%s: got %v", m.Name, r.Method, m.Prefix, r.Path, o["x-op"])
				continue
			}
			if o["summary"] != r.Doc || r.Doc == "" {
				t.Errorf("%s %s: the summary is %v, want %q", m.Name, r.Op, o["summary"], r.Doc)
			}
			properties, _ := at(doc, "/components/schemas/"+o["operationId"].(string)+"/properties").(map[string]any)
			if len(properties) != len(r.Input) {
				t.Errorf("%s %s %s takes %d members, and %d are described", m.Name, r.Method, r.Op, len(r.Input), len(properties))
			}
		}
	}
	described := 0
	for _, item := range doc["paths"].(map[string]any) {
		described += len(item.(map[string]any))
	}
	if described != operations || operations < 60 {
		t.Errorf("%d operations are described, and there are %d", described, operations)
	}
}

// TestEveryRouteSaysWhatItAnswers holds that a client can read off what comes back.
func TestEveryRouteSaysWhatItAnswers(t *testing.T) {
	_, mounts := document(t, described())
	for _, m := range mounts {
		for _, r := range m.Routes {
			name := m.Name + " " + r.Method + " " + r.Op
			if slices.Contains(withoutAnswer, name) {
				continue
			}
			if r.Status == 0 || r.Output == nil != (r.Status == http.StatusNoContent || r.Op == "account_confirm_email") {
				t.Errorf("%s: the status is %d, with %d members", name, r.Status, len(r.Output))
			}
		}
	}
}

// withoutAnswer are the indexes, whose members are the other routes, and what is among a path's methods and refused.
var withoutAnswer = []string{
	"djoser GET api-root", "djoser1 GET root", "userapi GET api-root", "restauth GET rest_logout", "userapi GET rest_logout", "djrestauth GET rest_logout",
}

// TestDeclaredFieldsAreDescribed holds that a declaration is all that a schema needs.
func TestDeclaredFieldsAreDescribed(t *testing.T) {
	doc, _ := document(t, described())
	for _, tt := range []struct{ schema, field, want string }{
		{"v1.sign-up.post", "nickname", `{"description":"What friends say.","maxLength":12,"minLength":2,"pattern":"^[a-z]+$","title":"Nick name","type":"string"}`},
		{"v1.sign-up.post", "role", `{"default":"Student","enum":["Teacher","Student"],"type":"string"}`},
		{"v1.sign-up.post", "level", `{"format":"int64","maximum":9,"minimum":1,"type":["integer","null"]}`},
		{"v1.sign-up.post", "balance", `null`}, // his staff writes it
		{"v1.sign-up.post", "note", `{"maxLength":255,"type":"string","writeOnly":true}`},
		{"v1.sign-up.post", "adult", `{"type":"boolean"}`},
		{"v1.sign-up.post", "born", `{"format":"date","type":["string","null"]}`},
		{"v1.sign-up.post", "seen", `null`},
		{"v1.sign-up.post", "site", `{"format":"uri","maxLength":200,"type":"string"}`},
		{"v1.sign-up.post", "mobile", `{"format":"phone","maxLength":32,"minLength":1,"type":"string"}`},
		{"v1.sign-up.post", "code", `{"description":"Matches (?i)^x (RE2).","maxLength":255,"type":"string"}`},
		{"v1.sign-up.post", "password", `{"format":"password","type":"string","writeOnly":true}`},
		{"v1.sign-up.post", "profile", `{"additionalProperties":false,"properties":{"zip":{"maxLength":5,"minLength":1,"type":"string"}},"required":["zip"],"type":"object"}`},
		{"v1.me-update.patch", "role", `null`},
		{"v1.me-update.patch", "profile", `{"additionalProperties":false,"properties":{"zip":{"maxLength":5,"minLength":1,"type":"string"}},"type":"object"}`},
		{"djoser.user-list.post", "nickname", `{"description":"What friends say.","maxLength":12,"minLength":2,"pattern":"^[a-z]+$","title":"Nick name","type":"string"}`},
		{"djoser.user-me.patch", "seen", `{"format":"date-time","readOnly":true,"type":["string","null"]}`},
		{"djoser.user-me.patch", "balance", `{"description":"A decimal of 12 digits at most, 2 of them after the point.","format":"decimal","readOnly":true,"type":["string","null"]}`},
		{"tag1.user-create.post", "level", `{"format":"int64","maximum":9,"minimum":1,"type":["integer","null"]}`},
	} {
		got, err := json.Marshal(at(doc, "/components/schemas/"+tt.schema+"/properties/"+tt.field))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s of %s\n got: %s %v\nwant: %s", tt.field, tt.schema, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ schema, want string }{
		{"v1.sign-up.post", `["email","password","adult","mobile","profile"]`}, {"v1.me-update.patch", `null`},
	} {
		if got, _ := json.Marshal(at(doc, "/components/schemas/"+tt.schema+"/required")); string(got) != tt.want {
			t.Errorf("%s asks for\n got: %s\nwant: %s", tt.schema, got, tt.want)
		}
	}
	me := at(doc, "/paths/~1v1~1me/get/responses/200/content/application~1json/schema/properties").(map[string]any)
	if me["note"] != nil || me["balance"] == nil || me["password"] != nil || at(me, "/profile/properties/zip") == nil {
		t.Errorf("me shows %v", slices.Sorted(maps.Keys(me)))
	}
}
