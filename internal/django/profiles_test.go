package django

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorward/internal/account"
)

// tutorial is the head of a transcript of a dialect with these settings and rows.
func tutorial(dialect, settings, users string) string {
	return fmt.Sprintf(`{"dialect": %q, "variant": %q, "user_model": "auth.User", "settings": {%s}, "setup": {"users": [%s]}}`, dialect, dialect, settings, users)
}

func TestReadProfiles(t *testing.T) {
	for dialect, want := range map[string]struct{ flag, path string }{"profiles": {"is_organizer", ""}, "events": {"is_creator", "profile/{id:int}"}} {
		rows := fmt.Sprintf(`{"username": "a", "profile": {"description": null, "location": "x", %q: true}}, {"username": "b"}`, want.flag)
		c, err := Read([]byte(tutorial(dialect, `"DJOSER": {"TOKEN_MODEL": null}`, rows)))
		if err != nil {
			t.Fatal(err)
		}
		if c.Preset != "djoser" || c.Policy.Mount != "djoser" || len(c.Beside) != 1 || c.Beside[0].Preset != "profiles" || c.Beside[0].Paths["profile"] != want.path {
			t.Errorf("%s: preset %s, mount %s, beside %+v", dialect, c.Preset, c.Policy.Mount, c.Beside)
		}
		if !slices.Equal(c.Without, []string{"login", "logout"}) {
			t.Errorf("%s: without %q, want the views of opaque tokens", dialect, c.Without)
		}
		if err := c.Model.CheckFields(); err != nil {
			t.Errorf("%s: %v", dialect, err)
		}
		a, _ := c.Users[0].Profiles.Of("profile")
		given := account.Values{}.With("description", account.Value{}).With("location", account.TextValue("x")).With(account.Field(want.flag), account.BooleanValue(true))
		if !a.Values.Equal(given) {
			t.Errorf("%s\ngot:  %v\nwant: %v", dialect, a.Values, given)
		}
		if b, ok := c.Users[1].Profiles.Of("profile"); !ok || b.Values.Len() != 0 {
			t.Errorf("%s: who says nothing of a profile has %v, %v, want one that is to be filled in", dialect, b, ok)
		}
	}
}

func TestReadProfilesThatAreWrong(t *testing.T) {
	for rows, want := range map[string]string{
		`{"username": "a", "profile": 7}`:                                               "setup.users[0].profile is not an object",
		`{"username": "a", "profile": {"is_creator": "yes"}}`:                           "setup.users[0].profile.is_creator has a value of the wrong type",
		`{"username": "a", "profile": {"is_creator": null}}`:                            "setup.users[0].profile.is_creator is no value of this field",
		`{"username": "a", "profile": {"location": "` + strings.Repeat("x", 31) + `"}}`: "setup.users[0].profile.location is no value of this field",
		`{"username": "a", "profile": {"is_organizer": true}}`:                          "setup.users[0].profile.is_organizer is not known",
	} {
		if _, err := Read([]byte(tutorial("events", "", rows))); err == nil || err.Error() != want {
			t.Errorf("%s\ngot:  %v\nwant: %s", rows, err, want)
		}
	}
}

// TestWithoutOpaqueTokens reads TOKEN_MODEL = None in both versions of djoser.
func TestWithoutOpaqueTokens(t *testing.T) {
	for dialect, want := range map[string][]string{"djoser": {"login", "logout"}, "djoser1": {"token-create", "token-destroy"}} {
		if c, err := Read([]byte(tutorial(dialect, `"DJOSER": {"TOKEN_MODEL": null}`, ""))); err != nil || !slices.Equal(c.Without, want) {
			t.Errorf("%s\ngot:  %v, %v\nwant: %q", dialect, c, err, want)
		}
	}
	if _, err := Read([]byte(tutorial("djoser", `"DJOSER": {"TOKEN_MODEL": "app.Token"}`, ""))); err == nil {
		t.Error("a model of one's own is understood")
	}
}
