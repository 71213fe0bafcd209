package servertest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/config"
)

// claiming asks for groups and permissions in tokens of every mount that has room for them.
func claiming(c *config.Config) {
	c.Mounts = map[string]config.Mount{
		"v1": {GroupClaims: true, PermissionClaims: true}, "simplejwt": {GroupClaims: true, PermissionClaims: true}, "tag1": {Prefix: "/tag1/"},
	}
}

// claimed are the claims of a token that say what its user may do.
func claimed(t testing.TB, token string) string {
	t.Helper()
	claims := unverified(t, token)
	said := map[string]any{}
	for _, name := range []string{"groups", "permissions"} {
		if v, ok := claims[name]; ok {
			said[name] = v
		}
	}
	text, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatTokensSayOfPermissions(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, claiming)
		ctx := context.Background()
		first := s.signUp(t, "ann@example.com")
		ann := first.User.ID
		simple := map[string]any{"email": "ann@example.com", "password": goodPassword}
		if s.Policy("simplejwt").Login == account.Username {
			simple = map[string]any{"username": "ann@example.com", "password": goodPassword}
		}
		var old, sliding struct{ Access, Refresh, Token string }
		s.post(t, 200, "/api/token/", simple, &old)
		s.post(t, 200, "/api/sliding/", simple, &sliding)
		none := `{"groups":[],"permissions":[]}`
		for what, token := range map[string]string{"/v1/": first.Access, "SimpleJWT": old.Access, "a sliding one": sliding.Token} {
			if got := claimed(t, token); got != none {
				t.Errorf("%s: got %s, want %s", what, got, none)
			}
		}
		if got := claimed(t, old.Refresh); got != `{}` {
			t.Errorf("a refresh token: got %s, want none of them", got)
		}

		s.furnish(t)
		g, err := s.Accounts().MakeGroup(ctx, "éditeurs \"A\"")
		if err == nil {
			err = s.Accounts().SetGroupPermission(ctx, g.ID, "blog.change_post", true)
		}
		if err == nil {
			err = s.Accounts().SetMember(ctx, g.ID, ann, true)
		}
		if err != nil {
			t.Fatal(err)
		}
		want := `{"groups":["éditeurs \"A\""],"permissions":["blog.change_post"]}`
		next, _ := s.refresh(t, first.Refresh)
		var fresh struct{ Access, Token string }
		s.post(t, 200, "/api/token/refresh/", map[string]any{"refresh": old.Refresh}, &fresh)
		s.Clock.Advance(3 * 1e9)
		s.post(t, 200, "/api/sliding/refresh/", map[string]any{"token": sliding.Token}, &fresh)
		for what, token := range map[string]string{"/v1/": next.Access, "SimpleJWT": fresh.Access, "a sliding one": fresh.Token} {
			if got := claimed(t, token); got != want {
				t.Errorf("%s, the next token: got %s, want %s", what, got, want)
			}
			if len(token) > 4096 {
				t.Errorf("%s: %d bytes", what, len(token))
			}
		}
		if code := s.me(t, first.Access); code != "" {
			t.Errorf("the token of before: got %q, want it to be good", code)
		}

		for i := range 60 { // more than a token holds
			p := fmt.Sprintf("app.%s_%02d", strings.Repeat("x", 60), i)
			if _, err = s.Accounts().MakePermission(ctx, p, ""); err == nil {
				err = s.Accounts().SetUserPermission(ctx, ann, p, true)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		next, _ = s.refresh(t, next.Refresh)
		want = `{"groups":["éditeurs \"A\""],"permissions":null}`
		if got := claimed(t, next.Access); got != want || len(next.Access) > 4096 || s.me(t, next.Access) != "" {
			t.Errorf("with more than fits: got %s of %d bytes, want %s and a good token", got, len(next.Access), want)
		}
		s.faultless(t)
	})
}

// TestTokensFillTheirRoom holds that the fullest token is under 4,096 bytes, which a cookie and many proxies hold.
func TestTokensFillTheirRoom(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", claiming)
	ctx := context.Background()
	p := s.signUp(t, "ann@example.com")
	longest := 0
	for i := range 100 {
		g, err := s.Accounts().MakeGroup(ctx, fmt.Sprintf("group %04d %s", i, strings.Repeat("\U0001F600", 1)))
		if err == nil {
			err = s.Accounts().SetMember(ctx, g.ID, p.User.ID, true)
		}
		if err != nil {
			t.Fatal(err)
		}
		var code string
		if p, code = s.refresh(t, p.Refresh); code != "" {
			t.Fatalf("refresh: got %q", code)
		}
		if len(p.Access) > 4096 {
			t.Fatalf("with %d groups a token has %d bytes, want 4096 at most", i+1, len(p.Access))
		}
		longest = max(longest, len(p.Access))
	}
	if got := claimed(t, p.Access); longest < 3000 || !strings.HasPrefix(got, `{"groups":null`) {
		t.Errorf("with 100 groups: got %s, and %d bytes before, want null, and 3000 or more", got, longest)
	}
}

func TestTokensThatHaveNoRoom(t *testing.T) {
	t.Parallel()
	_, err := Try(t, "sqlite", func(c *config.Config) { c.Mounts = map[string]config.Mount{"tag1": {GroupClaims: true}} })
	if err == nil || !strings.Contains(err.Error(), "which do not go with this preset") {
		t.Errorf("group_claims of tag1: got %v", err)
	}
}
