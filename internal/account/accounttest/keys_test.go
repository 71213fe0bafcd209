package accounttest

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

func states(keys []account.StoredKey) string {
	names := map[token.KeyState]string{token.Next: "next", token.Active: "active", token.Retired: "retired", token.Revoked: "revoked"}
	var all []string
	for _, k := range keys {
		all = append(all, names[k.State])
	}
	return strings.Join(all, " ")
}

func (w *world) wantStates(t testing.TB, what string, want map[token.KeyState]int) {
	t.Helper()
	got := map[token.KeyState]int{}
	for _, k := range w.signingKeys(t) {
		got[k.State]++
	}
	for _, state := range []token.KeyState{token.Next, token.Active, token.Retired, token.Revoked} {
		if got[state] != want[state] {
			t.Errorf("%s: the keys are %s", what, states(w.signingKeys(t)))
			return
		}
	}
}

func (w *world) noKeys(t testing.TB) {
	t.Helper()
	w.sql(t, "delete from signing_keys")
}

func TestLoadKeysOnce(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	w.noKeys(t)
	services := make([]*account.Service, 6)
	var wg sync.WaitGroup
	for i := range services {
		services[i] = w.service(instance)
		defer services[i].Close()
		wg.Go(func() {
			if err := services[i].LoadKeys(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.wantStates(t, "after several services at once", map[token.KeyState]int{token.Active: 1, token.Next: 1})
	u := w.add(t, "ann@example.com", nil)
	g, err := services[0].SignIn(ctx, native(), account.Credentials{Login: u.Email, Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range services {
		if _, err := s.Authenticate(ctx, native(), g.Access); err != nil {
			t.Errorf("service %d: %v", i, err)
		}
		if !bytes.Equal(s.JWKS(), services[0].JWKS()) {
			t.Errorf("service %d publishes other keys", i)
		}
	}
}

// TestLoadKeysMends finds keys that nobody can sign with.
func TestLoadKeysMends(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	next := w.nextKey(t).ID
	w.sql(t, "update signing_keys set state = 4 where state = 2")
	if err := w.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	w.wantStates(t, "the signing key was revoked", map[token.KeyState]int{token.Revoked: 1, token.Active: 1, token.Next: 1})
	if got := w.activeKey(t).ID(); got != next {
		t.Errorf("%s signs, want the published next one, %s", got, next)
	}
	w.sql(t, "update signing_keys set state = 4 where state = 1")
	if err := w.RotateKeys(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
	w.wantStates(t, "no next key is there to rotate", map[token.KeyState]int{token.Revoked: 2, token.Retired: 1, token.Active: 1, token.Next: 1})
}

func (w *world) nextKey(t testing.TB) account.StoredKey {
	t.Helper()
	for _, k := range w.signingKeys(t) {
		if k.State == token.Next {
			return k
		}
	}
	t.Fatal("there is no next key")
	return account.StoredKey{}
}

// TestRotateKeys signs nobody out whose token lives (T4).
func TestRotateKeys(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	const life = 6 * time.Minute
	other := w.service(instance) // a node that has not looked since
	defer other.Close()
	if err := other.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		next := w.nextKey(t).ID
		g := w.signIn(t, p, u.Email)
		if err := w.RotateKeys(ctx, life); err != nil {
			t.Fatal(err)
		}
		if got := w.activeKey(t).ID(); got != next {
			t.Errorf("rotation %d: %s signs, want the next one, %s", i, got, next)
		}
		w.who(t, p, g.Access)
		fresh := w.signIn(t, p, u.Email)
		if i == 0 { // its next key is the one that signs now
			if _, err := other.Authenticate(ctx, p, fresh.Access); err != nil {
				t.Errorf("a node that has not looked since: %v", err)
			}
		}
		w.clock.advance(p.Tokens.Access - time.Second)
		w.who(t, p, g.Access)
		w.clock.advance(time.Second)
	}
}

func TestRetiredKey(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	p.Tokens.Access = time.Hour
	g := w.signIn(t, p, u.Email)
	old := w.activeKey(t)
	if err := w.RotateKeys(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(w.JWKS()), old.ID()) {
		t.Error("a retired key is not published")
	}
	w.clock.advance(time.Minute - time.Microsecond)
	w.who(t, p, g.Access)
	w.clock.advance(time.Microsecond)
	if got := w.judge(p, g.Access); got != account.TokenForged {
		t.Errorf("at the key's end: %q, want %q", got, account.TokenForged)
	}
	if err := w.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	if got := w.judge(p, g.Access); got != account.TokenForged || strings.Contains(string(w.JWKS()), old.ID()) {
		t.Errorf("after its end: %q, want %q, and %s no more in %s", got, account.TokenForged, old.ID(), w.JWKS())
	}

	g = w.signIn(t, p, u.Email)
	w.sql(t, "update signing_keys set state = 4 where state = 2") // a key that leaked
	if err := w.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	if got := w.judge(p, g.Access); got != account.TokenForged {
		t.Errorf("of a revoked key: %q, want %q", got, account.TokenForged)
	}
	for _, kid := range []string{"", "nobody's"} {
		forged := sign(t, renamed(t, old, kid), with(t, g.Access, "", "")...)
		if got := w.judge(p, forged); got != account.TokenForged {
			t.Errorf("kid %q: %q, want %q", kid, got, account.TokenForged)
		}
	}
}

// TestRotateKeysAtOnce is one rotation, or several; never two keys that sign.
func TestRotateKeysAtOnce(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	services := []*account.Service{w.service(instance), w.service(instance), w.service(instance)}
	var wg sync.WaitGroup
	for _, s := range services {
		defer s.Close()
		wg.Go(func() {
			if err := s.RotateKeys(ctx, time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	keys := w.signingKeys(t)
	w.wantStates(t, "after rotations at once", map[token.KeyState]int{token.Active: 1, token.Next: 1, token.Retired: len(keys) - 2})
}

// TestRotateKeysFaults: what fails is told.
func TestRotateKeysFaults(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"Update", "SigningKeys", "MoveSigningKey", "InsertSigningKey", "commit"} {
		w := open(t, ownModel())
		before := states(w.signingKeys(t))
		w.hook = func(call string) error {
			if call == broken {
				return errBroken
			}
			return nil
		}
		wantCode(t, "rotate with a broken "+broken, w.RotateKeys(ctx, time.Hour), fault)
		if got := states(w.signingKeys(t)); got != before {
			t.Errorf("rotate with a broken %s: %s, want as before, %s", broken, got, before)
		}
	}
}

func TestSealedKeys(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	keys := w.signingKeys(t)
	for _, k := range keys {
		for _, mark := range []string{"PRIVATE", "\x30\x2e\x02\x01\x00"} { // PKCS #8 of Ed25519
			if bytes.Contains(k.Sealed, []byte(mark)) {
				t.Errorf("key %s lies in clear", k.ID)
			}
		}
	}
	other := account.New(account.Options{Store: w.db, Pool: w.pool, Root: token.NewRoot(token.NewSecret(), instance), Now: w.clock.now})
	defer other.Close()
	if err := other.LoadKeys(ctx); code(err) != fault || !strings.Contains(err.Error(), "root key") || !strings.Contains(err.Error(), keys[0].ID) {
		t.Errorf("a wrong root key: %v, want a fault that names the key and speaks of the root key", err)
	}
	if got := string(other.JWKS()); got != `{"keys":[]}` {
		t.Errorf("JWKS without keys: %s", got)
	}
	w.sql(t, `update signing_keys set sealed = (select sealed from signing_keys o where o.id <> signing_keys.id)`)
	s := w.service(instance)
	defer s.Close()
	wantCode(t, "two private keys were swapped", s.LoadKeys(ctx), fault)
	w.sql(t, `update signing_keys set sealed = x''`)
	wantCode(t, "the private keys are empty", s.LoadKeys(ctx), fault)
	if err := w.LoadKeys(ctx); code(err) != fault || len(w.JWKS()) < 100 {
		t.Errorf("a service that has keys: %v, and publishes %s, want a fault, and the keys it has", err, w.JWKS())
	}
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(w.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 {
		t.Errorf("%d keys are published, want the one that signs and the next", len(set.Keys))
	}
	for _, k := range set.Keys {
		if k["d"] != "" || k["k"] != "" || k["kty"] != "OKP" || k["kid"] == "" {
			t.Errorf("published: %v", k)
		}
	}
}

func TestKeyAge(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	w.clock.advance(time.Hour)
	if age, err := w.KeyAge(ctx); err != nil || age.Round(time.Second) != time.Hour {
		t.Errorf("KeyAge = %v, %v, want an hour", age, err)
	}
	if err := w.RotateKeys(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
	if age, err := w.KeyAge(ctx); err != nil || age > time.Second {
		t.Errorf("KeyAge after a rotation = %v, %v, want none", age, err)
	}
}
