package servertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"doorward/internal/account"
	"doorward/internal/config"
)

// simplePair is what SimpleJWT gives at a sign-in and at a refresh.
type simplePair struct{ Access, Refresh string }

// obtain signs in at a mount of SimpleJWT's.
func (s *Server) obtain(t testing.TB, prefix, email string) (p simplePair) {
	t.Helper()
	s.post(t, 200, prefix+"token/", map[string]any{"username": email, "password": goodPassword}, &p)
	return p
}

// exchange refreshes, and gives the words of the refusal instead.
func (s *Server) exchange(t testing.TB, prefix, refresh string) (p simplePair, words string) {
	t.Helper()
	r := s.Send(t, "POST", prefix+"token/refresh/", map[string]any{"refresh": refresh})
	if r.Status != 200 {
		return p, detail(t, r)
	}
	r.JSON(t, &p)
	return p, ""
}

// opens is whether an access token opens a route of a mount.
func (s *Server) opens(t testing.TB, mount, access string) bool {
	t.Helper()
	_, err := s.Accounts().Recognize(t.Context(), s.Policy(mount), access)
	if err != nil && account.Refusal(err) == nil {
		t.Errorf("recognize: %v", err)
	}
	return err == nil
}

func TestSimpleJWTByDefault(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, Production)
		s.create(t, "ann@example.com", goodPassword)
		p := s.obtain(t, "/api/", "ANN@example.com")
		claims := unverified(t, p.Access)
		if claims["token_type"] != "access" || claims["exp"].(float64)-claims["iat"].(float64) != 300 || len(claims) != 5 {
			t.Errorf("the claims are %v", claims)
		}
		if exp := unverified(t, p.Refresh)["exp"].(float64) - claims["iat"].(float64); exp != 86400 {
			t.Errorf("a refresh token lives %v s, want a day", exp)
		}
		next, words := s.exchange(t, "/api/", p.Refresh)
		if words != "" || next.Refresh != "" || !s.opens(t, "simplejwt", next.Access) {
			t.Errorf("a refresh: %q, a successor %q", words, next.Refresh)
		}
		s.post(t, 200, "/api/token/verify/", map[string]any{"token": p.Access}, nil)
		s.post(t, 200, "/api/token/blacklist/", map[string]any{"refresh": p.Refresh}, nil)
		if s.opens(t, "simplejwt", p.Access) || s.opens(t, "simplejwt", next.Access) {
			t.Error("an access token outlives its session")
		}
		if _, words := s.exchange(t, "/api/", p.Refresh); words != "Token is blacklisted" {
			t.Errorf("a refresh after blacklisting: %q", words)
		}
		s.post(t, 400, "/api/token/verify/", map[string]any{"token": p.Access}, nil)
		if r := s.Do(t, "GET", "/api/protected-endpoint/", nil); r.Status != 404 {
			t.Errorf("the sample view is there: %d", r.Status)
		}
		strange := foreign(t, s.Config.SecretKey, jwt.MapClaims{"token_type": "refresh", "user_id": 1, "jti": strings.Repeat("5", 32), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()})
		if _, words := s.exchange(t, "/api/", strange); words != "Token is blacklisted" {
			t.Errorf("a refresh token that we did not make: %q", words)
		}
		s.faultless(t)
	})
}

func TestTokensInATableOfDjangos(t *testing.T) {
	t.Parallel()
	on := true
	s := Start(t, "sqlite", func(c *config.Config) {
		Production(c)
		c.User.Table = "auth_user"
		c.Mounts = map[string]config.Mount{"simplejwt": {Tokens: config.Tokens{RotateRefresh: &on}}}
	})
	if _, err := s.Accounts().SignUp(t.Context(), s.Policy("simplejwt"), account.NewUser{Username: "ann", Email: "ann@example.com", Password: goodPassword}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	claims := jwt.MapClaims{"token_type": "refresh", "user_id": 1, "jti": strings.Repeat("5", 32), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	p, words := s.exchange(t, "/api/", foreign(t, s.Config.SecretKey, claims))
	if words != "" || p.Refresh == "" || !s.opens(t, "simplejwt", p.Access) {
		t.Fatalf("a refresh token of the Django beside us: %q", words)
	}
	claims["token_type"], claims["jti"] = "access", strings.Repeat("6", 32)
	if !s.opens(t, "simplejwt", foreign(t, s.Config.SecretKey, claims)) {
		t.Error("an access token of the Django beside us is refused")
	}
	if s.opens(t, "simplejwt", foreign(t, "another key of thirty-two bytes, or more", claims)) {
		t.Error("an access token of somebody else is taken")
	}
	var pair simplePair
	s.post(t, 200, "/api/token/", map[string]any{"username": "ann", "password": goodPassword}, &pair)
	if _, err := jwt.Parse(pair.Access, func(*jwt.Token) (any, error) { return []byte(s.Config.SecretKey), nil }); err != nil {
		t.Errorf("Django would refuse our token: %v", err)
	}
	s.faultless(t)
}

// keyFile writes the private key of a pair as PEM.
func keyFile(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "private.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func secretFile(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret := "a secret of its own, thirty-two bytes"
	public := func(key crypto.Signer) any { return key.Public() }
	for _, tt := range []struct {
		name   string
		tokens config.Tokens
		key    any // that verifies; nil: the secret key
	}{
		{"HS256", config.Tokens{Algorithm: "HS256", SigningKeyFile: secretFile(t, secret)}, []byte(secret)},
		{"HS384", config.Tokens{Algorithm: "HS384"}, nil},
		{"HS512", config.Tokens{Algorithm: "HS512"}, nil},
		{"RS256", config.Tokens{Algorithm: "RS256", SigningKeyFile: keyFile(t, rsaKey)}, public(rsaKey)},
		{"RS512", config.Tokens{Algorithm: "RS512", SigningKeyFile: keyFile(t, rsaKey)}, public(rsaKey)},
		{"ES256", config.Tokens{Algorithm: "ES256", SigningKeyFile: keyFile(t, ecKey)}, public(ecKey)},
		{"EdDSA", config.Tokens{Algorithm: "EdDSA", SigningKeyFile: keyFile(t, edKey)}, public(edKey)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Start(t, "sqlite", func(c *config.Config) {
				Production(c)
				c.Mounts = map[string]config.Mount{"simplejwt": {Tokens: tt.tokens}, "tag1": {}}
			})
			if tt.key == nil {
				tt.key = []byte(s.Config.SecretKey)
			}
			s.create(t, "ann@example.com", goodPassword)
			p := s.obtain(t, "/api/", "ann@example.com")
			next, words := s.exchange(t, "/api/", p.Refresh)
			if words != "" {
				t.Fatalf("a refresh: %q", words)
			}
			for _, raw := range []string{p.Access, p.Refresh, next.Access} {
				if _, err := jwt.Parse(raw, func(*jwt.Token) (any, error) { return tt.key, nil }, jwt.WithValidMethods([]string{tt.name})); err != nil {
					t.Errorf("another library: %v", err)
				}
			}
			if !s.opens(t, "simplejwt", next.Access) {
				t.Error("the access token opens nothing")
			}
			parts := strings.Split(p.Access, ".")
			for _, method := range []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
				pub, _ := x509.MarshalPKIXPublicKey(tt.key)
				for _, key := range [][]byte{pub, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub}), {}} {
					forged, err := jwt.NewWithClaims(method, unverified(t, p.Access)).SignedString(key)
					if err == nil && s.opens(t, "simplejwt", forged) {
						t.Errorf("a token signed with the public key by %s is taken", method.Alg())
					}
				}
			}
			if s.opens(t, "simplejwt", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))+"."+parts[1]+".") {
				t.Error("an unsigned token is taken")
			}
			s.faultless(t)
		})
	}
}

func TestPublishedKeysSignTypedTokens(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", func(c *config.Config) {
		Production(c)
		c.Mounts = map[string]config.Mount{"simplejwt": {Signing: "published"}, "tag1": {}}
	})
	s.create(t, "ann@example.com", goodPassword)
	p := s.obtain(t, "/api/", "ann@example.com")
	parsed, _, err := jwt.NewParser().ParseUnverified(p.Access, jwt.MapClaims{})
	if err != nil || parsed.Header["alg"] != "EdDSA" || parsed.Header["kid"] == nil {
		t.Errorf("the header is %v (%v)", parsed.Header, err)
	}
	if _, words := s.exchange(t, "/api/", p.Refresh); words != "" || !s.opens(t, "simplejwt", p.Access) {
		t.Errorf("a refresh: %q", words)
	}
	s.faultless(t)
}

// Two mounts are one SimpleJWT, but where their keys or parties differ.
func TestMountsShareTheirSessions(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", func(c *config.Config) {
		Production(c)
		c.Mounts = map[string]config.Mount{
			"simplejwt": {}, "tag1": {},
			"front": {Preset: "simplejwt", Prefix: "/front/", AccessLifetimeSeconds: 60},
			"apart": {Preset: "simplejwt", Prefix: "/apart/", Tokens: config.Tokens{Audience: []string{"apart"}, Issuer: "us"}},
			"slide": {Preset: "simplejwt", Prefix: "/slide/", Tokens: config.Tokens{AcceptKinds: []string{"sliding"}}},
		}
	})
	s.create(t, "ann@example.com", goodPassword)
	p, apart := s.obtain(t, "/api/", "ann@example.com"), s.obtain(t, "/apart/", "ann@example.com")
	var slide struct{ Token string }
	s.post(t, 200, "/slide/sliding/", map[string]any{"username": "ann@example.com", "password": goodPassword}, &slide)
	for range 3 { // what one mount remembers is no other's
		for _, tt := range []struct {
			mount, name, token string
			want               bool
		}{
			{"simplejwt", "its own", p.Access, true},
			{"front", "the first mount's", p.Access, true},
			{"apart", "the first mount's", p.Access, false},
			{"apart", "its own", apart.Access, true},
			{"simplejwt", "one for another audience", apart.Access, false},
			{"slide", "its own", slide.Token, true},
			{"simplejwt", "a sliding one", slide.Token, false},
			{"slide", "an access token", p.Access, false},
		} {
			if got := s.opens(t, tt.mount, tt.token); got != tt.want {
				t.Errorf("mount %s, %s: got %v, want %v", tt.mount, tt.name, got, tt.want)
			}
		}
	}
	if next, words := s.exchange(t, "/front/", p.Refresh); words != "" || !s.opens(t, "simplejwt", next.Access) {
		t.Errorf("a refresh at another mount: %q", words)
	}
	s.post(t, 200, "/front/token/blacklist/", map[string]any{"refresh": p.Refresh}, nil)
	if s.opens(t, "simplejwt", p.Access) {
		t.Error("blacklisted at one mount, it lives at another")
	}
	s.faultless(t)
}

func TestTheHeaderOfATypedMount(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", nil)
	s.simple(t, map[string]any{"AUTH_HEADER_NAME": "HTTP_X_ACCESS_TOKEN", "AUTH_HEADER_TYPES": "Key", "AUTH_TOKEN_CLASSES": []string{
		"rest_framework_simplejwt.tokens.SlidingToken", "rest_framework_simplejwt.tokens.AccessToken",
	}})
	var out struct{ Token, Access string }
	ann := map[string]any{"username": "ann", "password": goodPassword}
	s.post(t, 200, "/api/sliding/", ann, &out)
	s.post(t, 200, "/api/token/", ann, &out)
	for _, tt := range []struct {
		name, header, value string
		want                int
		body                string
	}{
		{"a sliding token", "X-Access-Token", "Key " + out.Token, 200, `{"user":"ann","id":1}`},
		{"an access token", "X-Access-Token", "Key " + out.Access, 200, `{"user":"ann","id":1}`},
		{"in the usual header", "Authorization", "Key " + out.Access, 401, `{"detail":"Authentication credentials were not provided."}`},
		{"with the usual word", "X-Access-Token", "Bearer " + out.Access, 401, `{"detail":"Authentication credentials were not provided."}`},
		{"junk", "X-Access-Token", "Key x", 401, `{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[` +
			`{"token_class":"SlidingToken","token_type":"sliding","message":"Token is invalid or expired"},` +
			`{"token_class":"AccessToken","token_type":"access","message":"Token is invalid or expired"}]}`},
	} {
		r := s.Do(t, "GET", "/api/protected-endpoint/", nil, tt.header, tt.value)
		if r.Status != tt.want || string(r.Body) != tt.body {
			t.Errorf("%s:\n got %d %s\nwant %d %s", tt.name, r.Status, r.Body, tt.want, tt.body)
		}
		if challenge := r.Header.Get("WWW-Authenticate"); tt.want == 401 && challenge != `Key realm="api"` {
			t.Errorf("%s: the challenge is %q", tt.name, challenge)
		}
	}
}

// simple puts a server in the condition of a Django with SimpleJWT and ann.
func (s *Server) simple(t testing.TB, settings map[string]any) {
	t.Helper()
	s.post(t, http.StatusNoContent, "/dev/reset", map[string]any{
		"dialect": "simplejwt", "variant": "simplejwt", "user_model": "auth.User",
		"settings": map[string]any{"SECRET_KEY": "a secret key", "SIMPLE_JWT": settings},
		"setup":    map[string]any{"users": []any{map[string]any{"id": 1, "username": "ann", "email": "ann@example.com", "password": goodPassword}}},
	}, nil)
}

// BLACKLIST_AFTER_ROTATION without the app does nothing in SimpleJWT: here it does what was meant.
func TestRotationWithoutTheBlacklistSpendsTheOldToken(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		s.simple(t, map[string]any{"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true})
		var p simplePair
		s.post(t, 200, "/api/token/", map[string]any{"username": "ann", "password": goodPassword}, &p)
		next := together(200, func(int) string {
			fresh, _ := s.exchange(t, "/api/", p.Refresh)
			return fresh.Refresh
		})
		successors := map[string]bool{}
		for _, raw := range next {
			successors[raw] = true
		}
		delete(successors, "")
		if len(successors) != 1 {
			t.Fatalf("there are %d successors, want 1", len(successors))
		}
		if _, words := s.exchange(t, "/api/", p.Refresh); words != "Token is blacklisted" {
			t.Errorf("the old token: %q", words)
		}
		for raw := range successors {
			if _, words := s.exchange(t, "/api/", raw); words != "" {
				t.Errorf("its successor: %q", words)
			}
		}
		s.faultless(t)
	})
}

func TestOfManyWhoBlacklistOneDoes(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, Production)
		s.create(t, "ann@example.com", goodPassword)
		p := s.obtain(t, "/api/", "ann@example.com")
		counts := map[int]int{}
		for _, status := range together(100, func(int) int {
			return s.Send(t, "POST", "/api/token/blacklist/", map[string]any{"refresh": p.Refresh}).Status
		}) {
			counts[status]++
		}
		if counts[200] != 1 || counts[401] != 99 {
			t.Errorf("got %v, want 200 once and 401 for the others", counts)
		}
		if s.opens(t, "simplejwt", p.Access) {
			t.Error("its access token lives on")
		}
		s.faultless(t)
	})
}

func TestMountsThatCannotBe(t *testing.T) {
	t.Parallel()
	on := true
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		mount config.Mount
		want  string
	}{
		{"on tokens of one kind", config.Mount{Preset: "tag1", Tokens: config.Tokens{RotateRefresh: &on}}, "do not go with this preset"},
		{"a key per user", config.Mount{Preset: "simplejwt", Signing: "per-user"}, "shared or published"},
		{"a key pair without a key", config.Mount{Preset: "simplejwt", Tokens: config.Tokens{Algorithm: "RS256"}}, "has no key"},
		{"a file that is not there", config.Mount{Preset: "simplejwt", Tokens: config.Tokens{SigningKeyFile: "nowhere.pem"}}, "cannot be read"},
		{"a key of another kind", config.Mount{Preset: "simplejwt", Tokens: config.Tokens{Algorithm: "RS256", SigningKeyFile: keyFile(t, ecKey)}}, "do not go with algorithm"},
		{"a short secret", config.Mount{Preset: "simplejwt", Tokens: config.Tokens{SigningKeyFile: secretFile(t, "short")}}, "fewer than 32 bytes"},
		{"published keys and its own", config.Mount{Preset: "simplejwt", Signing: "published", Tokens: config.Tokens{Algorithm: "HS512", SigningKeyFile: secretFile(t, strings.Repeat("x", 40))}}, "keys of its own"},
		{"names that not everybody has", config.Mount{Preset: "simplejwt", Tokens: config.Tokens{UserIDField: "username"}}, "does not tell users apart"},
	} {
		_, err := Try(t, "sqlite", func(c *config.Config) { c.Mounts = map[string]config.Mount{"m": tt.mount} })
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
