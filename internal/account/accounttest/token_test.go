package accounttest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

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

// TestWhatEndsTokens takes all combinations of what can end a token: none hides another ((c) 72).
func TestWhatEndsTokens(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	for _, p := range []*account.Policy{perUser(), once(), shared(), native()} {
		for mask := range 8 {
			raised, ended, disabled := mask&1 != 0, mask&2 != 0, mask&4 != 0
			u := w.add(t, fmt.Sprintf("%s%d@example.com", p.Mount, mask), nil)
			g := w.signIn(t, p, u.Email)
			w.update(t, func(tx account.Writer) error {
				var errs []error
				if raised {
					_, err := tx.RaiseEpoch(ctx, u.ID, w.clock.now())
					errs = append(errs, err)
				}
				if ended {
					_, err := tx.EndSession(ctx, g.Session.ID, w.clock.now())
					errs = append(errs, err)
				}
				if disabled {
					errs = append(errs, tx.UpdateUser(ctx, &account.User{ID: u.ID}, account.IsActive))
				}
				return errors.Join(errs...)
			})
			want := account.Code("")
			switch {
			case disabled:
				want = account.UserDisabled
			case raised || ended:
				want = account.TokenEnded
			}
			if got := w.judge(p, g.Access); got != want {
				t.Errorf("%s, epoch raised %v, session ended %v, user disabled %v: %q, want %q", p.Mount, raised, ended, disabled, got, want)
			}
			if g.Refresh == "" {
				continue
			}
			if want == account.UserDisabled && (raised || ended) {
				want = account.TokenEnded
			}
			_, err := w.Refresh(ctx, p, g.Refresh)
			wantCode(t, fmt.Sprintf("refresh, epoch raised %v, session ended %v, user disabled %v", raised, ended, disabled), err, want)
		}
	}
}

// TestWhatTheServiceEnds is T3 on one node: what ends tokens has ended them once it answered.
func TestWhatTheServiceEnds(t *testing.T) {
	t.Parallel()
	for _, model := range []*account.Model{ownModel(), spaModel()} {
		for _, tt := range []struct {
			name string
			end  func(w *world, g *account.Grant, p *account.Policy) error
			want map[account.Signing]account.Code
		}{
			{"sign out everywhere", func(w *world, g *account.Grant, p *account.Policy) error {
				return w.SignOutEverywhere(ctx, g.User.ID)
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.TokenEnded, account.Published: account.TokenEnded}},
			{"set the password", func(w *world, g *account.Grant, p *account.Policy) error {
				return w.SetPassword(ctx, p, &g.User, "another horse 9")
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.TokenEnded, account.Published: account.TokenEnded}},
			{"disable", func(w *world, g *account.Grant, p *account.Policy) error {
				return w.SetActive(ctx, g.User.ID, false)
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.UserDisabled, account.Published: account.UserDisabled}},
			{"disable, and let in again", func(w *world, g *account.Grant, p *account.Policy) error {
				return errors.Join(w.SetActive(ctx, g.User.ID, false), w.SetActive(ctx, g.User.ID, true))
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.TokenEnded, account.Published: account.TokenEnded}},
			{"delete", func(w *world, g *account.Grant, p *account.Policy) error {
				return w.Remove(ctx, g.User.ID)
			}, map[account.Signing]account.Code{account.PerUser: account.TokenForged, account.Shared: account.TokenNamed, account.Published: account.TokenNamed}},
		} {
			w := open(t, model)
			w.add(t, "ann@example.com", nil)
			others := w.add(t, "bob@example.com", nil)
			for _, p := range []*account.Policy{perUser(), foreign(perUser()), shared(), foreign(shared()), native()} {
				p.Mount += fmt.Sprint(p.Tokens.Foreign)
				g, theirs := w.signIn(t, p, "ann@example.com"), w.signIn(t, p, others.Email)
				w.clock.advance(time.Second)
				if err := tt.end(w, &g, p); err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
				if got, want := w.judge(p, g.Access), tt.want[p.Tokens.Signing]; got != want {
					t.Errorf("%s of %s: %s: %q, want %q", p.Mount, model.Table, tt.name, got, want)
				}
				if got := w.judge(p, theirs.Access); got != "" {
					t.Errorf("%s of %s: %s: the token of another user: %q, want none", p.Mount, model.Table, tt.name, got)
				}
				w.update(t, func(tx account.Writer) error { _, err := tx.DeleteUser(ctx, g.User.ID); return err })
				again := w.add(t, "ann@example.com", nil)
				if got := w.judge(p, g.Access); again.ID == g.User.ID || got == "" {
					t.Errorf("%s: the address has a new owner, %d after %d: %q, want a refusal", p.Mount, again.ID, g.User.ID, got) // (c) 56
				}
			}
		}
	}
}

// TestForeignTokens are well signed and of no session of ours.
func TestForeignTokens(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	u := w.add(t, "ann@example.com", nil)
	now := w.clock.now().Unix()
	claim := func(name string, v any) token.Claim { return token.Claim{Name: name, Value: v} }
	for _, tt := range []struct {
		name   string
		claims []token.Claim
		// What they get per user, shared, and shared after the user signed out everywhere a second ago.
		own, open, after account.Code
	}{
		{"with an end", []token.Claim{claim("exp", now+60)}, "", "", account.TokenEnded},
		{"made now, by its end", []token.Claim{claim("exp", now+900)}, "", "", ""},
		{"made later, by its end", []token.Claim{claim("exp", now+901)}, "", "", account.TokenEnded},
		{"made now", []token.Claim{claim("exp", now+60), claim("iat", now)}, "", "", ""},
		{"made as he signed out", []token.Claim{claim("exp", now+60), claim("iat", now-1)}, "", "", account.TokenEnded},
		{"made later", []token.Claim{claim("exp", now+60), claim("iat", now+1)}, "", "", account.TokenEnded},
		{"made much later", []token.Claim{claim("exp", now+60), claim("iat", int64(1<<63-1))}, "", "", account.TokenEnded},
		{"made long ago", []token.Claim{claim("exp", now+60), claim("iat", int64(-1<<63))}, "", "", account.TokenEnded},
		{"renewed now", []token.Claim{claim("exp", now+900), claim("orig_iat", now-1)}, "", "", account.TokenEnded},
		{"without an end", nil, "", "", account.TokenEnded},
		{"without an end, made now", []token.Claim{claim("iat", now)}, "", "", ""},
		{"that never ends", []token.Claim{claim("exp", int64(1<<63-1))}, "", "", account.TokenEnded},
	} {
		claims := append([]token.Claim{claim("user_id", u.ID), claim("username", u.Email)}, tt.claims...)
		own, common := sign(t, w.key(t, perUser(), &u), claims...), sign(t, w.key(t, shared(), &u), claims...)
		if got := w.judge(foreign(perUser()), own); got != tt.own {
			t.Errorf("per user, %s: %q, want %q", tt.name, got, tt.own)
		}
		if got := w.judge(foreign(shared()), common); got != tt.open {
			t.Errorf("shared, %s: %q, want %q", tt.name, got, tt.open)
		}
		for _, p := range []*account.Policy{perUser(), shared()} {
			want := account.TokenEnded
			if !strings.Contains(fmt.Sprint(tt.claims), "exp") {
				want = account.TokenClaims
			}
			if got := w.judge(p, map[account.Signing]string{account.PerUser: own, account.Shared: common}[p.Tokens.Signing]); got != want {
				t.Errorf("%s, foreign ones refused, %s: %q, want %q", p.Mount, tt.name, got, want)
			}
		}
		signedOut := w.add(t, "", func(o *account.User) { o.Email = strings.ReplaceAll(tt.name, " ", "-") + "@example.com" })
		w.update(t, func(tx account.Writer) error {
			_, err := tx.RaiseEpoch(ctx, signedOut.ID, w.clock.now().Add(-time.Second))
			return err
		})
		claims[0], claims[1] = claim("user_id", signedOut.ID), claim("username", signedOut.Email)
		if got := w.judge(foreign(shared()), sign(t, w.key(t, shared(), &u), claims...)); got != tt.after {
			t.Errorf("shared, signed out, %s: %q, want %q", tt.name, got, tt.after)
		}
	}
}

// TestTrustName is the one recorded answer in which a token's name goes before its id.
func TestTrustName(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	u, other := w.add(t, "ann@example.com", nil), w.add(t, "bob@example.com", nil)
	disabled := w.add(t, "eve@example.com", func(u *account.User) { u.IsActive = false })
	trusting := foreign(perUser())
	trusting.Tokens.TrustName = true
	for _, tt := range []struct {
		name, email string
		id          int64
		want, never account.Code
		who         int64
	}{
		{"his own name", u.Email, u.ID, "", "", u.ID},
		{"another's name", other.Email, u.ID, "", account.TokenNamed, other.ID},
		{"another's name in another case", "BOB@example.com", u.ID, account.TokenNamed, account.TokenNamed, 0},
		{"a disabled user's name", disabled.Email, u.ID, account.UserDisabled, account.TokenNamed, 0},
		{"nobody's name", "nobody@example.com", u.ID, account.TokenNamed, account.TokenNamed, 0},
		{"no name", "", u.ID, account.TokenUnnamed, account.TokenUnnamed, 0},
	} {
		raw := sign(t, w.key(t, trusting, &u), token.Claim{Name: "user_id", Value: tt.id},
			token.Claim{Name: "username", Value: tt.email}, token.Claim{Name: "exp", Value: w.clock.now().Unix() + 60})
		who, err := w.Authenticate(ctx, trusting, raw)
		wantCode(t, "trusting, "+tt.name, err, tt.want)
		if err == nil && who.User.ID != tt.who {
			t.Errorf("trusting, %s: user %d, want %d", tt.name, who.User.ID, tt.who)
		}
		if got := w.judge(foreign(perUser()), raw); got != tt.never {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.never)
		}
	}
}

// TestAddressThatChangedHands: the tokens of its old owner open nothing.
func TestAddressThatChangedHands(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	for _, p := range []*account.Policy{perUser(), shared()} {
		raw := w.signIn(t, p, u.Email).Access
		w.update(t, func(tx account.Writer) error {
			return tx.UpdateUser(ctx, &account.User{ID: u.ID, Email: "old@example.com"}, account.Email)
		})
		owner := w.add(t, "ann@example.com", nil)
		if got := w.judge(p, raw); got != account.TokenNamed {
			t.Errorf("%s: %q, want %q", p.Mount, got, account.TokenNamed)
		}
		w.update(t, func(tx account.Writer) error {
			_, err := tx.DeleteUser(ctx, owner.ID)
			return errors.Join(err, tx.UpdateUser(ctx, &account.User{ID: u.ID, Email: u.Email}, account.Email))
		})
	}
}

// TestJudgeFaults: a store that fails is no refusal.
func TestJudgeFaults(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	for _, p := range []*account.Policy{perUser(), foreign(perUser()), shared(), native()} {
		raw := w.signIn(t, p, u.Email).Access
		for _, broken := range []string{"View", "User", "Session", "SessionByMark"} {
			hit := false
			w.hook = func(call string) error {
				if call == broken {
					hit = true
					return errBroken
				}
				return nil
			}
			if _, err := w.Authenticate(ctx, p, raw); hit && (code(err) != fault || !errors.Is(err, errBroken)) {
				t.Errorf("%s with a broken %s: %v, want a fault", p.Mount, broken, err)
			}
		}
		w.hook = nil
	}
}
