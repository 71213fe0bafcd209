package server

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/django"
	"doorward/internal/token"
	"doorward/internal/web/djoser"
	"doorward/internal/web/simplejwt"
)

// head is what a contract transcript asks for.
type head struct {
	Dialect  string                     `json:"dialect"`
	Variant  string                     `json:"variant"`
	Model    string                     `json:"user_model"`
	Settings map[string]json.RawMessage `json:"settings"`
}

// ownDefaults are where a configuration differs from the settings that it was translated of: serve's
// own defaults, which are stricter (SECURITY.md). "recorded -> served", by the name of the value.
var ownDefaults = map[string][]string{
	"policy.FoldLogin":                {"false -> true"}, // a login name in any case
	"policy.KeepTokens":               {"true -> false"}, // a new password ends the tokens before it
	"policy.Tokens.Grace":             {"0s -> 10s"},     // for a lost answer
	"policy.Tokens.TrustName":         {"true -> false"}, // of a token whose name is another's
	"policy.Tokens.ForeignFirst":      {"orig_iat -> "},  // of tokens that Django signed
	"policy.Tokens.Typed.Family":      {" -> simplejwt"}, // mounts share their sessions
	"policy.Tokens.Typed.ReuseEnds":   {"false -> true"}, // a spent refresh token ends its session
	"policy.Tokens.Typed.Outlive":     {"true -> false"}, // access tokens end with their session
	"policy.Tokens.Typed.Blind":       {"true -> false"}, // verify and blacklist look at the user
	"policy.Tokens.Typed.NoBlacklist": {"true -> false"}, // signing out works without the app
	"policy.Tokens.Typed.Rotation":    {"1 -> 2"},        // a refresh token that was used is spent; warned of
	"policy.Links.FoldEmail":          {"false -> true"}, // the owner of an address in any spelling
	"policy.Links.Stamp":              {"false -> true"}, // a link works once
	"policy.Links.Timeout":            {"72h0m0s -> 0s"}, // 0 is three days
	"policy.Links.OneKind":            {"false -> true"}, // of presets without links
	"policy.Mail.AddressChanged":      {"false -> true"}, // the old address is told
	"policy.Mail.UseOrigin":           {"false -> true"}, // of presets without mails, in development
	"policy.StrangersRules":           {"true -> false"}, // a password is compared with its owner
	"djoser.Profiles":                 {"false -> true"}, // declared profiles stand in bodies; Django has none there
	"policy.Mail.ActivationURL":       {" -> activate/{uid}/{token}"},
	"policy.Mail.PasswordResetURL":    {" -> password/reset/confirm/{uid}/{token}"},
	"policy.Mail.LoginResetURL":       {" -> username/reset/confirm/{uid}/{token}"},
	"policy.Entry.Stamp":              {"false -> true"}, // a reset link dies with the next sign-in
	"policy.AnyPassword":              {"true -> false"}, // rules at sign-up; warned of
	"policy.Entry.Unlike":             {"true -> false"}, // a new password is compared with its owner's name
	"policy.Emails.Life":              {"72h0m0s -> 0s"}, // 0 is three days
	"policy.Changes.AlwaysMail":       {"true -> false"}, // djoser 2.1; warned of
	"policy.Changes.LoginDeactivates": {"true -> false"}, // djoser 1; warned of
	"policy.Changes.StaffOverAll":     {"true -> false"}, // staff changes no superuser
}

// leftOut are the transcripts whose settings the configuration cannot say, with what differs.
var leftOut = map[string][]string{
	// Without its backend djoser asks for an address and Django looks for a user name: nobody signs in.
	"djoser/settings-login-field": {"djoser.Login: email -> "},
	// A token ends; warned of.
	"userapi/tokens-without-end": {"policy.Tokens.Validity.IgnoreExp: true -> false"},
}

// TestTheConfigurationThatIsPrintedMeansTheSame translates the settings of every transcript, loads
// what was printed, and compares what would be served with what /dev/reset makes of the same settings.
func TestTheConfigurationThatIsPrintedMeansTheSame(t *testing.T) {
	played := map[string]int{}
	for _, folder := range []string{"accounts", "djoser", "djoser1", "restauth", "simplejwt", "tag1", "userapi", "profiles", "events", "djrestauth"} {
		files, err := filepath.Glob(filepath.Join("servertest", "testdata", "*", folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no transcript of %s (%v)", folder, err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := folder + "/" + strings.TrimSuffix(filepath.Base(file), ".json")
			t.Run(name, func(t *testing.T) {
				var h head
				if err := json.Unmarshal(body, &h); err != nil {
					t.Fatal(err)
				}
				comparePlans(t, name, &h)
			})
			played[folder]++
		}
	}
	t.Logf("translated %v", played)
}

func comparePlans(t *testing.T, name string, h *head) {
	request, err := json.Marshal(map[string]any{"dialect": h.Dialect, "variant": h.Variant, "user_model": h.Model, "settings": h.Settings})
	if err != nil {
		t.Fatal(err)
	}
	c, err := django.Read(request)
	if err != nil {
		t.Fatal(err)
	}
	want := (&plan{model: c.Model}).planOfCondition(c)
	got := planOfDump(t, h)
	g, w := &got.mounts[0], &want.mounts[0]
	var found []string
	for _, v := range []struct {
		name      string
		want, got any
	}{
		{"policy", w.policy, g.policy},
		{"model", *c.Model, *got.model},
		{"name", w.name, g.name},
		{"prefix", w.prefix, g.prefix},
		{"claims", w.claims, g.claims},
		{"noun", w.noun, g.noun},
		{"header", headerOf(w), headerOf(g)},
		{"paths", w.paths, g.paths},
		{"modern", w.modern, g.modern},
		{"auth", w.auth, g.auth},
		{"signs in", w.signsIn, g.signsIn},
		{"djoser", djoserPartOf(w), djoserPartOf(g)},
		{"rest", restOf(w), restOf(g)},
		{"jwt", simpleOf(w), simpleOf(g)},
		{"languages", w.languages, g.languages},
		{"throttle", w.throttle, g.throttle},
		{"page size", w.pageSize, g.pageSize},
	} {
		found = differing(found, v.name, reflect.ValueOf(v.want), reflect.ValueOf(v.got))
	}
	if len(got.mounts) != 1+len(c.Beside) {
		t.Fatalf("got %d mounts, want %d", len(got.mounts), 1+len(c.Beside))
	}
	for i := range c.Beside {
		found = append(found, comparedBeside(&want.mounts[i+1], &got.mounts[i+1])...)
	}
	if c.Hosts != nil {
		found = differing(found, "hosts", reflect.ValueOf(want.hosts), reflect.ValueOf(got.hosts))
	}
	if !slices.Equal(found, leftOut[name]) {
		t.Errorf("what differs:\n got: %q\nwant: %q", found, leftOut[name])
	}
}

// comparedBeside lists what differs of a mount that judges the tokens of the first one.
func comparedBeside(w, g *mountPlan) (found []string) {
	for _, v := range []struct {
		name      string
		want, got any
	}{
		{"policy.Tokens", w.policy.Tokens, g.policy.Tokens},
		{"name", w.name, g.name},
		{"prefix", w.prefix, g.prefix},
		{"claims", w.claims, g.claims},
		{"profile", w.profile, g.profile},
		{"paths", w.paths, g.paths},
		{"modern", w.modern, g.modern},
		{"auth", w.auth, g.auth},
		{"jwt", w.jwt, g.jwt},
		{"languages", w.languages, g.languages},
		{"throttle", w.throttle, g.throttle},
		{"page size", w.pageSize, g.pageSize},
	} {
		found = differing(found, v.name, reflect.ValueOf(v.want), reflect.ValueOf(v.got))
	}
	return found
}

// headerOf is the word before a token, where there is one of drf-jwt.
func headerOf(m *mountPlan) string {
	if !slices.Contains(m.auth, django.AuthDRFJWT) {
		return ""
	}
	return m.header
}

// simpleOf are the names of SimpleJWT's claims, where there are any.
func simpleOf(m *mountPlan) django.SimpleJWT {
	if m.policy.Tokens.Typed == nil {
		return django.SimpleJWT{}
	}
	return m.jwt
}

// djoserPartOf are djoser's options, where there is a djoser.
func djoserPartOf(m *mountPlan) djoser.Options {
	if m.preset.auth == nil || m.name == "accounts" || m.name == "userapi" {
		return djoser.Options{}
	}
	return m.djoser
}

// restPart is what a mount of django-rest-auth is asked for. Its cookies are another setting's.
type restPart struct {
	Registration, AskPassword, NeedEmail, NeedName, ByGet bool
	Verified                                              string
	Expirations                                           bool
	Pair                                                  simplejwt.CookieOptions
}

func restOf(m *mountPlan) restPart {
	if !m.preset.registers {
		return restPart{}
	}
	r := &m.rest
	if !r.registration { // the rest is of registration
		return restPart{AskPassword: r.AskPassword, Expirations: r.expirations, Pair: pairOf(m)}
	}
	return restPart{r.registration, r.AskPassword, r.NeedEmail, r.NeedName, r.ByGet, r.Verified, r.expirations, pairOf(m)}
}

// pairOf are the cookies of tokens. Where Django keeps refresh tokens from bodies and has no cookie for them, nobody gets one; here bodies
// have it, which is warned of. A cookie always opens routes here, and brings Django's token along where that is asked for.
func pairOf(m *mountPlan) simplejwt.CookieOptions {
	if m.policy.Entry.Opaque || m.policy.Entry.Bare {
		return simplejwt.CookieOptions{}
	}
	o := m.rest.pair
	o.HTTPOnly = o.HTTPOnly && o.Refresh != ""
	o.Opens, o.GivesCSRF = false, false
	return o
}

// planOfDump writes the dump of a Django with these settings, translates it, and loads what was printed.
func planOfDump(t *testing.T, h *head) *plan {
	t.Chdir(t.TempDir())
	dump := map[string]any{"AUTH_USER_MODEL": h.Model, "DEBUG": false, "ROOT_URLCONF": "app.urls"}
	for key, value := range h.Settings {
		dump[key] = value
	}
	apps := []string{"django.contrib.auth", "rest_framework"}
	if _, on := dump["token_blacklist"]; on {
		apps = append(apps, "rest_framework_simplejwt.token_blacklist")
		delete(dump, "token_blacklist")
	}
	if _, on := dump["LOCALE_MIDDLEWARE"]; on {
		dump["MIDDLEWARE"] = []string{"django.middleware.locale.LocaleMiddleware"}
		delete(dump, "LOCALE_MIDDLEWARE")
	}
	if _, on := dump["registration"]; on && h.Dialect == "djrestauth" {
		apps = append(apps, "dj_rest_auth.registration")
		delete(dump, "registration")
	}
	dump["INSTALLED_APPS"] = apps
	body, err := json.Marshal(dump)
	if err != nil {
		t.Fatal(err)
	}
	choice := django.Choice{Preset: h.Dialect, Generation: "classic"}
	if strings.HasPrefix(h.Variant, "modern-") {
		choice.Generation = "modern"
	}
	d, err := django.ReadDump(body, choice)
	if err != nil {
		t.Fatal(err)
	}
	translation, err := Translate(d)
	if err != nil {
		t.Fatal(err)
	}
	writeKeys(t, h)
	text := translation.Config.TOML()
	if err := os.WriteFile("doorward.toml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Args{Environ: []string{"DOORWARD_DEV=1"}})
	if err != nil {
		t.Fatalf("what was printed is refused: %v\n%s", err, text)
	}
	var secret string
	if err := json.Unmarshal(h.Settings["SECRET_KEY"], &secret); err != nil {
		t.Fatal(err)
	}
	p, err := planOf(cfg, token.Secret{}, token.SecretFrom([]byte(secret)))
	if err != nil {
		t.Fatalf("what was printed makes no plan: %v\n%s", err, text)
	}
	p.hosts = cfg.AllowedHosts // without those of development
	p.mounts[0].policy.Mail.From = cfg.Mail.From
	if cfg.Mail.From == "" {
		p.mounts[0].policy.Mail.From = "webmaster@localhost" // Django's, which serve does not take
	}
	if slices.Contains([]string{"accounts", "simplejwt", "tag1"}, h.Dialect) { // they send no mail
		p.mounts[0].policy.Mail.From = ""
	}
	return p
}

// writeKeys does what the notes ask the operator for.
func writeKeys(t *testing.T, h *head) {
	var keys struct {
		Signing   string `json:"SIGNING_KEY"`
		Verifying string `json:"VERIFYING_KEY"`
	}
	if simple := h.Settings["SIMPLE_JWT"]; simple != nil && json.Unmarshal(simple, &keys) != nil {
		t.Fatalf("SIMPLE_JWT is %s", simple)
	}
	var plain struct {
		Private string `json:"JWT_PRIVATE_KEY"`
		Public  string `json:"JWT_PUBLIC_KEY"`
	}
	if raw := h.Settings["JWT_AUTH"]; raw != nil && json.Unmarshal(raw, &plain) == nil && plain.Private != "" {
		keys.Signing, keys.Verifying = plain.Private, plain.Public
	}
	for name, text := range map[string]string{secretFile: keys.Signing, privateFile: keys.Signing, publicFile: keys.Verifying} {
		if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// signatures are what keys sign, HS and RS alike each time; of public keys their names.
func signatures(keys []*token.Key) (texts []string) {
	for _, k := range keys {
		text, err := token.Sign(k)
		if err != nil {
			text = k.String()
		}
		texts = append(texts, text)
	}
	return texts
}

// differing lists what differs and is none of serve's own defaults.
func differing(list []string, name string, want, got reflect.Value) []string {
	switch {
	case want.Kind() == reflect.Pointer && !want.IsNil() && !got.IsNil():
		return differing(list, name, want.Elem(), got.Elem())
	case want.Kind() == reflect.Struct:
		for i := range want.NumField() {
			if field := want.Type().Field(i); field.IsExported() {
				list = differing(list, name+"."+field.Name, want.Field(i), got.Field(i))
			}
		}
		return list
	case (want.Kind() == reflect.Map || want.Kind() == reflect.Slice) && want.Len() == 0 && got.Len() == 0:
		return list
	case want.Kind() == reflect.Func || reflect.DeepEqual(want.Interface(), got.Interface()):
		return list
	}
	if want, ok := want.Interface().([]*token.Key); ok && slices.Equal(signatures(want), signatures(got.Interface().([]*token.Key))) {
		return list
	}
	change := fmt.Sprintf("%v -> %v", want, got)
	if slices.Contains(ownDefaults[name], change) {
		return list
	}
	return append(list, name+": "+change)
}

// TestAMailThatNothingSendsIsRefused: it would be silently missing, or leave people inactive without a link.
func TestAMailThatNothingSendsIsRefused(t *testing.T) {
	model := account.OwnModel(account.Email, account.Folded)
	for _, tt := range []struct {
		preset, mail string
		want         string // in the refusal; "": none
	}{
		{"djoser", "activation", ""},
		{"djoser1", "login_changed", ""},
		{"v1", "password_changed", ""},
		{"userapi", "password_changed", ""},
		{"v1", "activation", `names "activation", which nothing in this preset sends`},
		{"restauth", "login_changed", "it sends password_changed"},
		{"accounts", "activation", "it sends none of that list"},
		{"tag1", "activation", "it sends none of that list"},
	} {
		_, err := mountOf("here", config.Mount{Preset: tt.preset, Mails: []string{tt.mail}}, model)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "\n") != 2) {
			t.Errorf("%s of %s\n got: %v\nwant: three lines with %q", tt.mail, tt.preset, err, tt.want)
		}
	}
}
