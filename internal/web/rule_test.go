package web

import (
	"context"
	"errors"
	"strings"
	"testing"

	"doorward/internal/account"
)

func TestRulesHaveOneName(t *testing.T) {
	for _, name := range append(RuleNames()[:7:7], "perm:blog.change_post", "perm:a.b:c-d", "group:editors", "group:the editors, and \"others\"") {
		rule, ok := ParseRule(name)
		if got := rule.Name(); !ok || got != name {
			t.Errorf("%s: got %+v, whose name is %q, %v", name, rule, got, ok)
		}
	}
	for _, name := range []string{
		"", "Anyone", "nobody", "perm:", "perm:change", "perm:.x", "perm:a.", "perm:a.b c", "perm:a.b/c", "group:", "group: ", "group:\x00", "group:" + strings.Repeat("a", 151),
	} {
		if rule, ok := ParseRule(name); ok {
			t.Errorf("%q: got %+v, want no rule", name, rule)
		}
	}
	if got := (Rule{Access: Anyone, Reach: account.OwnOrStaff}).Name(); got != "" {
		t.Errorf("a rule without a name: got %q", got)
	}
}

func TestWhomARouteAdmits(t *testing.T) {
	user := &account.Principal{User: account.User{ID: 1}}
	factor := &account.Principal{User: account.User{ID: 1}, Level: "device/1"}
	staff := &account.Principal{User: account.User{ID: 2, IsStaff: true}}
	super := &account.Principal{User: account.User{ID: 3, IsSuperuser: true}}
	everybody := []*account.Principal{nil, user, factor, staff, super}
	// Whoever is staff or has the factor has what is needed.
	has := func(_ context.Context, who *account.Principal, _ account.Needs) (bool, error) {
		return who == staff || who == factor, nil
	}
	for _, tt := range []struct {
		rule string
		want string // nobody, user, with a factor, staff, superuser
	}{
		{"anyone", "yes yes yes yes yes"},
		{"signed-in", "no yes yes yes yes"},
		{"own", "no yes yes yes yes"},
		{"owner-or-read-only", "no yes yes yes yes"},
		{"second-factor", "no no yes no no"},
		{"staff", "no no no yes no"},
		{"superuser", "no no no no yes"},
		{"perm:a.b", "no no yes yes no"},
		{"group:a", "no no yes yes no"},
	} {
		rule, _ := ParseRule(tt.rule)
		var r Route
		r.Obey(rule)
		var got []string
		for _, who := range everybody {
			word := "no"
			if ok, err := r.Admits(t.Context(), has, who); ok && err == nil {
				word = "yes"
			}
			got = append(got, word)
		}
		if line := strings.Join(got, " "); line != tt.want {
			t.Errorf("%s\ngot:  %s\nwant: %s", tt.rule, line, tt.want)
		}
	}
	r := Route{Access: SignedIn, Needs: account.Needs{Group: "a"}}
	if ok, err := r.Admits(t.Context(), nil, user); ok || err != nil {
		t.Errorf("where nobody can be asked: got %v, %v, want a refusal", ok, err)
	}
	away := errors.New("away")
	if ok, err := r.Admits(t.Context(), func(context.Context, *account.Principal, account.Needs) (bool, error) { return true, away }, user); !errors.Is(err, away) {
		t.Errorf("a database that is away: got %v, %v, want its error", ok, err)
	}
	if ok, _ := (&Route{}).Admits(t.Context(), has, super); ok {
		t.Error("a route without a rule lets somebody in")
	}
}

func TestLooser(t *testing.T) {
	for _, tt := range []struct {
		said, own string
		about     bool
		want      bool
	}{
		{"anyone", "signed-in", false, true},
		{"signed-in", "anyone", false, false},
		{"signed-in", "own", false, false},
		{"signed-in", "own", true, true},
		{"own", "owner-or-read-only", true, true},
		{"owner-or-read-only", "own", true, false},
		{"staff", "signed-in", true, false},
		{"perm:a.b", "signed-in", false, false},
		{"perm:a.b", "staff", false, true},
		{"perm:a.b", "perm:a.c", false, true},
		{"second-factor", "signed-in", false, false},
	} {
		said, _ := ParseRule(tt.said)
		own, _ := ParseRule(tt.own)
		if got := said.Looser(own, tt.about); got != tt.want {
			t.Errorf("%s in the place of %s (about somebody: %v): got %v, want %v", tt.said, tt.own, tt.about, got, tt.want)
		}
	}
	if rule, _ := ParseRule("owner-or-read-only"); rule.On("GET").Reach != account.Everybody || rule.On("PATCH").Reach != account.Own {
		t.Errorf("owner-or-read-only: got %v to read, %v to change", rule.On("GET").Reach, rule.On("PATCH").Reach)
	}
}
