package django

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
)

func djoserHead(djoser, more string) []byte {
	return fmt.Appendf(nil, `{"dialect": "djoser", "variant": "djoser", "user_model": "auth.User", "settings": {"DJOSER": {%s}%s}}`, djoser, more)
}

// TestDjoserWithoutSettings: what is absent means what it means to djoser.
func TestDjoserWithoutSettings(t *testing.T) {
	c, err := Read(djoserHead("", ""))
	if err != nil {
		t.Fatal(err)
	}
	p := &c.Policy
	if !p.Changes.HideUsers || !p.Changes.AlwaysMail || p.Changes.SignOut || !p.KeepTokens || p.Mail.Activation || p.Mail.From != "webmaster@localhost" ||
		!p.Links.OneKind || p.Links.FoldEmail || p.Links.TellUnknown || p.Links.Timeout != 3*24*time.Hour || !p.Mail.UseOrigin {
		t.Errorf("the policy is %+v", p)
	}
	if got := strings.Join(c.Auth, " "); got != "session basic" {
		t.Errorf("the authenticators are %s", got)
	}
	if got := fmt.Sprint(c.Djoser.Asked); got != "[{email false}]" || c.Djoser.Login != "" || c.Djoser.ID != "" || p.Login != account.Username {
		t.Errorf("asked are %s, the login is %q and %q, the id %q", got, c.Djoser.Login, p.Login, c.Djoser.ID)
	}
}

func TestDjoserSettingsThatAreNotUnderstood(t *testing.T) {
	for _, tt := range []struct{ name, djoser, more, want string }{
		{"an unknown key", `"SEND_SMS": true`, "", "settings.DJOSER.SEND_SMS is not known"},
		{"a flag that is text", `"HIDE_USERS": "no"`, "", "settings.DJOSER.HIDE_USERS has a value of the wrong type"},
		{"a field that is none", `"LOGIN_FIELD": "phone"`, "", "settings.DJOSER.LOGIN_FIELD is no field of the user model"},
		{"a permission of one's own", `"PERMISSIONS": {"user": ["app.Mine"]}`, "", "settings.DJOSER.PERMISSIONS.user is no permission that is known"},
		{"a view that is none", `"PERMISSIONS": {"fly": []}`, "", "settings.DJOSER.PERMISSIONS.fly is not known"},
		{"an authenticator of one's own", "", `, "REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": ["app.Mine"]}`, "settings.REST_FRAMEWORK has an authentication class that is not known: app.Mine"},
		{
			"a rate that is none", "", `, "REST_FRAMEWORK": {"DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"], "DEFAULT_THROTTLE_RATES": {"anon": "often"}}`,
			"settings.REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.anon is no rate",
		},
	} {
		_, err := Read(djoserHead(tt.djoser, tt.more))
		if got := strings.Join(faults(err), "; "); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"3/min": {3, time.Minute}, "10/s": {10, time.Second}, "1/hour": {1, time.Hour}, "7/days": {7, 24 * time.Hour},
		"": {}, "3": {}, "3/": {}, "0/min": {}, "-1/min": {}, "x/min": {}, "3/week": {},
	} {
		if got, ok := ParseRate(text); got != want && ok || ok != (want != Rate{}) {
			t.Errorf("ParseRate(%q): got %v, %v, want %v", text, got, ok, want)
		}
	}
}
