package accounttest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/token"
)

var errBroken = errors.New("the store is broken")

// TestForgedTokens shows tokens that are not what they say.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u, other := w.add(t, "ann@example.com", nil), w.add(t, "bob@example.com", nil)
	unknown, err := token.NewSigningKey(token.EdDSA, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*account.Policy{perUser(), foreign(perUser()), shared(), foreign(shared()), native()} {
		good := w.signIn(t, p, u.Email).Access
		claims := with(t, good, "", "")
		key := w.key(t, p, &u)
		parts := strings.Split(good, ".")
		header := func(text string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + parts[1] + "."
		}
		kid := fmt.Sprintf(`"kid":%q`, key.ID())
		published := p.Tokens.Signing == account.Published
		or := func(a, b account.Code) account.Code {
			if published {
				return a
			}
			return b
		}
		for _, tt := range []struct {
			name, raw string
			want      account.Code
		}{
			{"the good one", good, ""},
			{"nothing", "", account.TokenMalformed},
			{"a word", "null", account.TokenMalformed},
			{"many dots", strings.Repeat(".", 5000), account.TokenMalformed},
			{"a long one", good + strings.Repeat("A", 4096), account.TokenMalformed},
			{"a shortened one", good[:len(good)-len(parts[2])%4], account.TokenForged}, // (c) 54
			{"one without its signature", parts[0] + "." + parts[1] + ".", account.TokenForged},
			{"a shortened payload", parts[0] + "." + parts[1][:len(parts[1])-4] + "." + parts[2], account.TokenMalformed},
			{"another user's key", sign(t, w.key(t, perUser(), &other), claims...), account.TokenForged},
			{"the key of a table of Django's", sign(t, hmacKey(fmt.Sprintf("%x", u.JWTSecret)), claims...), account.TokenForged}, // T5
			{"the stored secret for a key", sign(t, token.HMACKey(token.HS256, "", u.JWTSecret[:]), claims...), account.TokenForged},
			{"the stored password for a key", sign(t, hmacKey(u.Password), claims...), account.TokenForged},
			{"a random key", sign(t, token.HMACKey(token.HS256, "", token.NewSecret().Bytes()), claims...), account.TokenForged},
			{"a published key of nobody", sign(t, unknown, claims...), or(account.TokenForged, account.TokenAlgorithm)},
			{"a published key of nobody, by the name of ours", sign(t, renamed(t, unknown, key.ID()), claims...), or(account.TokenForged, account.TokenAlgorithm)},
			{"alg none", header(`{"alg":"none","typ":"JWT",` + kid + `}`), account.TokenAlgorithm},
			{"alg None", header(`{"alg":"None",` + kid + `}`), account.TokenAlgorithm},
			{"alg HS512", sign(t, token.HMACKey(token.HS512, "", sharedKey), claims...), or(account.TokenForged, account.TokenAlgorithm)},
			{"alg HS256 by the public key", hs256(t, key, parts[1]), or(account.TokenAlgorithm, account.TokenForged)},
			{"a critical header", header(`{"alg":"`+key.Alg().String()+`","crit":["exp"],`+kid+`}`) + parts[2], account.TokenForged},
			{"another header", header(`{"typ":"JWT" ,"alg":"`+key.Alg().String()+`",`+kid+`}`) + parts[2], account.TokenForged},
		} {
			if got := w.judge(p, tt.raw); got != tt.want {
				t.Errorf("%s (foreign %v): %s: %q, want %q", p.Mount, p.Tokens.Foreign, tt.name, got, tt.want)
			}
		}
	}
}

// renamed is a key under another id.
func renamed(t testing.TB, k *token.Key, id string) *token.Key {
	t.Helper()
	if id == "" {
		id = "ours"
	}
	private, err := k.MarshalPrivate()
	if err != nil {
		t.Fatal(err)
	}
	k, err = token.ParsePrivate(token.EdDSA, id, private)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// hs256 is a token that takes a public key for a secret, under its id ((c) 27).
func hs256(t testing.TB, k *token.Key, payload string) string {
	t.Helper()
	jwk := k.JWK()
	if jwk == nil {
		jwk = []byte("none")
	}
	claims, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := token.Parse(strings.Join([]string{base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)), payload, ""}, "."))
	if err != nil {
		t.Fatalf("%s: %v", claims, err)
	}
	var all []token.Claim
	for _, n := range parsed.Claims().Names() {
		v, _ := parsed.Claims().Raw(n)
		all = append(all, token.Claim{Name: n, Value: v})
	}
	raw, err := token.SignWithID(token.HMACKey(token.HS256, k.ID(), jwk), all...)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestTokensOfElsewhere shows tokens of one mount, signing or database to another.
func TestTokensOfElsewhere(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	mounted := func(p *account.Policy, mount string) *account.Policy { p.Mount = mount; return p }
	for _, tt := range []struct {
		name     string
		from, to *account.Policy
		want     account.Code
	}{
		{"per user to another mount", perUser(), mounted(perUser(), "other"), account.TokenEnded},
		{"per user to a mount that takes foreign ones", perUser(), mounted(foreign(perUser()), "other"), ""},
		{"shared to another mount", shared(), mounted(shared(), "other"), account.TokenEnded},
		{"shared to a mount that takes foreign ones", shared(), mounted(foreign(shared()), "other"), ""},
		{"published to another mount", native(), mounted(native(), "other"), account.TokenEnded},
		{"named by its expiry to a mount that renews", once(), mounted(perUser(), "once"), ""}, // the mount's claims changed
		{"per user to shared", perUser(), shared(), account.TokenForged},
		{"shared to per user", shared(), perUser(), account.TokenForged},
		{"published to per user", native(), perUser(), account.TokenAlgorithm},
		{"per user to published", perUser(), native(), account.TokenForged},
		{"shared to published", shared(), native(), account.TokenForged},
	} {
		if got := w.judge(tt.to, w.signIn(t, tt.from, u.Email).Access); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	g := w.signIn(t, native(), u.Email)
	if got := w.judge(native(), g.Refresh); got != account.TokenMalformed {
		t.Errorf("a refresh token for an access token: %q, want %q", got, account.TokenMalformed)
	}
	_, err := w.Refresh(ctx, native(), g.Access)
	wantCode(t, "an access token for a refresh token", err, account.TokenForged)
}

// TestRestoredDatabase opens the same rows under a new instance id: no token of the lost timeline lives.
func TestRestoredDatabase(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	own, one, v1 := w.signIn(t, perUser(), u.Email), w.signIn(t, once(), u.Email), w.signIn(t, native(), u.Email)
	s := w.service("restored")
	defer s.Close()
	if err := s.LoadKeys(ctx); code(err) != fault || !strings.Contains(err.Error(), "root key") {
		t.Errorf("load keys of another instance: %v, want a fault that speaks of the root key", err)
	}
	for _, tt := range []struct {
		name string
		p    *account.Policy
		raw  string
	}{{"per user", perUser(), own.Access}, {"named by its expiry", once(), one.Access}, {"published", native(), v1.Access}} {
		if _, err := s.Authenticate(ctx, tt.p, tt.raw); code(err) != account.TokenForged {
			t.Errorf("%s: %v, want %q", tt.name, err, account.TokenForged)
		}
	}
	_, err := s.Refresh(ctx, native(), v1.Refresh)
	wantCode(t, "a refresh token", err, account.TokenForged)
}

// TestFallbackKeys holds that the secret keys before this one verify and sign nothing.
func TestFallbackKeys(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := shared()
	g := w.signIn(t, p, u.Email)
	if got := w.judge(p, sign(t, token.HMACKey(token.HS256, "", oldShared), with(t, g.Access, "", "")...)); got != "" {
		t.Errorf("a token of the key before: %q, want none", got)
	}
	g2, err := w.Renew(ctx, p, sign(t, token.HMACKey(token.HS256, "", oldShared), with(t, g.Access, "", "")...))
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{g.Access, g2.Access} {
		parsed, err := token.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Verify(token.HMACKey(token.HS256, "", sharedKey)); err != nil {
			t.Errorf("our token is not signed with the key of now: %v", err)
		}
	}
	expired := sign(t, token.HMACKey(token.HS256, "", oldShared), with(t, g.Access, "exp", "1")...)
	if got := w.judge(p, expired); got != account.TokenExpired {
		t.Errorf("an expired token of the key before: %q, want %q", got, account.TokenExpired)
	}
}

// TestNoSharedKey has a shared mount without any key.
func TestNoSharedKey(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	g := w.signIn(t, shared(), u.Email)
	s := account.New(account.Options{Store: w.db, Pool: w.pool, Root: token.NewRoot(rootSecret, instance), Now: w.clock.now})
	defer s.Close()
	for name, raw := range map[string]string{"our own": g.Access, "one of the empty key": emptyKeyed(g.Access)} {
		if _, err := s.Authenticate(ctx, shared(), raw); code(err) != account.TokenForged {
			t.Errorf("%s: %v, want %q", name, err, account.TokenForged)
		}
	}
	_, err := s.SignIn(ctx, shared(), account.Credentials{Login: u.Email, Password: secret})
	wantCode(t, "sign in", err, fault)
}

// emptyKeyed is raw with the HMAC of the empty key; no key of ours would make it.
func emptyKeyed(raw string) string {
	signed := raw[:strings.LastIndexByte(raw, '.')]
	return signed + "." + base64.RawURLEncoding.EncodeToString(hmacSum(nil, signed))
}

// TestSecretOfZeros has a row of Django's without a secret: its key would be everybody's.
func TestSecretOfZeros(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	u := w.add(t, "ann@example.com", func(u *account.User) { u.JWTSecret = [16]byte{} })
	raw := sign(t, hmacKey("00000000-0000-0000-0000-000000000000"),
		token.Claim{Name: "user_id", Value: u.ID}, token.Claim{Name: "username", Value: u.Email}, token.Claim{Name: "exp", Value: int64(4102444800)})
	if got := w.judge(foreign(perUser()), raw); got != account.TokenForged {
		t.Errorf("a token of the key of zeros: %q, want %q", got, account.TokenForged)
	}
	_, err := w.SignIn(ctx, perUser(), account.Credentials{Login: u.Email, Password: secret})
	wantCode(t, "sign in", err, fault)
}
