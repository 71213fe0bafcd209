package servertest

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/store"
	"doorward/internal/token"
)

// keys fetches the published keys, as another service does.
func (s *Server) keys(t testing.TB) map[string]ed25519.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kty, Crv, Alg, Kid, X, D string }
	}
	s.Do(t, "GET", "/.well-known/jwks.json", nil).JSON(t, &set)
	keys := map[string]ed25519.PublicKey{}
	for _, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || k.Kty != "OKP" || k.Crv != "Ed25519" || k.D != "" {
			t.Fatalf("key %+v: %v", k, err)
		}
		keys[k.Kid] = x
	}
	return keys
}

// verify checks an access token with another library and the published keys alone.
func verify(keys map[string]ed25519.PublicKey, token string, now time.Time) (jwt.MapClaims, string, error) {
	claims := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(token, claims, func(tok *jwt.Token) (any, error) {
		key, ok := keys[fmt.Sprint(tok.Header["kid"])]
		if !ok {
			return nil, fmt.Errorf("no key %v", tok.Header["kid"])
		}
		return key, nil
	}, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil {
		return nil, "", err
	}
	return claims, fmt.Sprint(parsed.Header["kid"]), nil
}

func TestOthersVerifyAccessTokens(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", nil)
	p := s.signUp(t, "ann@example.com")
	claims, kid, err := verify(s.keys(t), p.Access, s.Clock.Now())
	if err != nil || kid == "" {
		t.Fatalf("verify: kid %q, %v", kid, err)
	}
	var names []string
	for name := range claims {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "ep exp iat iat_ms jti sid user_id" || claims["user_id"] != float64(p.User.ID) {
		t.Errorf("the claims are %v", claims)
	}
	if _, _, err := verify(s.keys(t), p.Access[:len(p.Access)-4]+"AAAA", s.Clock.Now()); err == nil {
		t.Error("a changed signature verifies")
	}
	if r := s.Send(t, "POST", "/.well-known/jwks.json", nil); r.Status != 405 {
		t.Errorf("POST: got %d", r.Status)
	}
}

func TestKeyRotationSignsNobodyOut(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		p := s.signUp(t, "ann@example.com")
		type issued struct {
			access string
			at     time.Time
		}
		all := []issued{{p.Access, s.Clock.Now()}}
		seen := map[string]bool{}
		for round := range 5 {
			published := s.keys(t)
			if err := s.Accounts().RotateKeys(t.Context(), 6*time.Minute); err != nil {
				t.Fatalf("rotate: %v", err)
			}
			var code string
			if p, code = s.refresh(t, p.Refresh); code != "" {
				t.Fatalf("round %d: refresh: %s", round, code)
			}
			all = append(all, issued{p.Access, s.Clock.Now()})
			_, kid, err := verify(published, p.Access, s.Clock.Now())
			if err != nil {
				t.Errorf("round %d: the new key was not published before it signed: %v", round, err)
			}
			if seen[kid] {
				t.Errorf("round %d: the key did not change", round)
			}
			seen[kid] = true
			s.Clock.Advance(70 * time.Second)
			for i, old := range all {
				live := s.Clock.Now().Before(old.at.Add(5 * time.Minute))
				_, _, err := verify(s.keys(t), old.access, s.Clock.Now())
				if code := s.me(t, old.access); live && (code != "" || err != nil) || !live && code != "token_expired" {
					t.Errorf("round %d: token %d, alive %v: got %q, %v", round, i, live, code, err)
				}
			}
		}
		s.Clock.Advance(6 * time.Minute)
		if err := s.Accounts().LoadKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if keys := s.keys(t); len(keys) != 2 {
			t.Errorf("after their time %d keys are published, want the one that signs and the next", len(keys))
		}
		s.faultless(t)
	})
}

// TestARevokedKeyDiesEverywhere revokes the next key past the server, as another node does, or the command:
// in a table of Django's no feed tells of it, and on SQLite none of ours. The bound is 2 s (T4).
func TestARevokedKeyDiesEverywhere(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		for name, change := range map[string]func(*config.Config){"our own table": nil, "Django's table": django} {
			s := Start(t, engine, change)
			other, err := store.Open(t.Context(), store.Options{URL: s.Config.DatabaseURL, Model: s.Accounts().Model()})
			if err != nil {
				t.Fatal(err)
			}
			before := s.keys(t)
			err = other.Update(t.Context(), func(w account.Writer) error {
				keys, err := w.SigningKeys(t.Context())
				for _, k := range keys {
					if k.State == token.Next && err == nil {
						_, err = w.MoveSigningKey(t.Context(), k.ID, token.Next, token.Revoked, time.Time{})
					}
				}
				return err
			})
			if err := errors.Join(err, other.Close()); err != nil {
				t.Fatal(err)
			}
			revoked := time.Now()
			for len(s.keys(t)) == len(before) {
				if time.Since(revoked) > 15*time.Second { // far more than 2 s on a machine that does other work
					t.Fatalf("%s: the key is published %s after it was revoked", name, time.Since(revoked))
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	})
}

func TestSessionsOutliveARestart(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		first := Start(t, engine, nil)
		p := first.signUp(t, "ann@example.com")
		first.create(t, "bob@example.com", goodPassword)
		token := first.login(t, "bob@example.com", goodPassword)
		dead := first.login(t, "bob@example.com", goodPassword)
		first.post(t, 204, "/api/user/logout/", nil, nil, "Authorization", "JWT "+dead)
		first.Stop(t)

		second := Start(t, engine, func(c *config.Config) {
			c.DatabaseURL, c.KeyFile = first.Config.DatabaseURL, first.Config.KeyFile
		})
		if code := second.me(t, p.Access); code != "" {
			t.Errorf("the access token: got %q", code)
		}
		next, code := second.refresh(t, p.Refresh)
		if code != "" {
			t.Errorf("the refresh token: got %q", code)
		}
		if again, _ := second.refresh(t, p.Refresh); again.Refresh != next.Refresh {
			t.Errorf("again: got %q, want the same successor", again.Refresh)
		}
		if alive, over := second.view(t, token), second.view(t, dead); alive != "" || over == "" {
			t.Errorf("tag1: the live token got %q, the dead one %q", alive, over)
		}
		second.Stop(t)

		third := Start(t, engine, func(c *config.Config) {
			c.DatabaseURL, c.KeyFile = first.Config.DatabaseURL, first.Config.KeyFile
			c.Mounts = map[string]config.Mount{"tag1": {}}
		})
		if words := third.view(t, token); words != "" {
			t.Errorf("with other mounts: got %q", words)
		}
	})
}

// TestAnotherRootKeyOpensNothing holds that a copy of the database alone signs nobody in (T5).
func TestAnotherRootKeyOpensNothing(t *testing.T) {
	t.Parallel()
	first := Start(t, "sqlite", nil)
	first.create(t, "bob@example.com", goodPassword)
	first.Stop(t)
	_, err := Try(t, "sqlite", func(c *config.Config) { c.DatabaseURL = first.Config.DatabaseURL })
	if err == nil || !strings.Contains(err.Error(), "root key") {
		t.Errorf("a start with another root key: got %v, want a word about the root key", err)
	}
}
