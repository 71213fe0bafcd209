// Package accounttest tests the domain on a real database. It stands apart from account so that
// the fuzz targets there link no database.
package accounttest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
	"doorward/internal/store"
	"doorward/internal/token"
)

var ctx = context.Background()

const (
	secret   = "correct horse 9"
	instance = "test"
)

var (
	rootSecret = token.SecretFrom([]byte("a root key of a test, 32 bytes.."))
	sharedKey  = []byte("a secret key that Django has too")
	oldShared  = []byte("the secret key before that one..")

	cheap      = password.Params{MemoryKiB: 8, Time: 1, Threads: 1}
	secretHash = sync.OnceValue(func() string { return password.Hash(secret, cheap) })
)

// clock shows a time that tests turn.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// journal keeps what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) has(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), text)
}

// world is a service on a database of its own.
type world struct {
	*account.Service
	db    *store.DB
	rows  *sql.DB // the same database, past the store
	path  string
	pool  *password.Pool
	clock *clock
	log   *journal
	hook  func(call string) error // of every call into the store; nil: none
}

func ownModel() *account.Model { return account.OwnModel(account.Email, account.Folded) }

// spaModel is a table of Django's shape: an address, a key per user, and nothing but.
func spaModel() *account.Model {
	return &account.Model{
		Table: "spauser_spauser", Noun: "spa user", Login: account.Email, EmailUnique: account.Exact, Django: true,
		Columns: []account.Column{
			{Field: account.ID, Name: "id", Type: account.Serial},
			{Field: account.Password, Name: "password", Type: account.Text, Max: 128},
			{Field: account.LastLogin, Name: "last_login", Type: account.Stamp, Null: true},
			{Field: account.Email, Name: "email", Type: account.Text, Label: "email address", Max: 255, Unique: true},
			{Field: account.IsActive, Name: "is_active", Type: account.Bool},
			{Field: account.IsAdmin, Name: "is_admin", Type: account.Bool},
			{Field: account.JWTSecret, Name: "jwt_secret", Type: account.UUID},
		},
	}
}

func open(t testing.TB, m *account.Model) *world {
	t.Helper()
	return openWith(t, m, password.Options{Slots: 2, MaxWait: time.Minute, Params: cheap})
}

func openWith(t testing.TB, m *account.Model, o password.Options) *world {
	t.Helper()
	w := &world{
		path: filepath.Join(t.TempDir(), "test.db"), log: &journal{},
		clock: &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)},
	}
	text, err := migrated(m.Table)
	if err == nil {
		err = os.WriteFile(w.path, text, 0o600)
	}
	if err == nil {
		w.db, err = store.Open(ctx, store.Options{URL: "sqlite:" + w.path, Model: m, SwitchToWAL: true})
	}
	if err == nil {
		w.rows, err = sql.Open("sqlite", "file:"+w.path+"?_pragma=busy_timeout(5000)")
	}
	if err != nil {
		t.Fatal(err)
	}
	w.pool = password.NewPool(o)
	w.Service = w.service(instance)
	t.Cleanup(func() {
		w.Close()
		w.pool.Close()
		if err := errors.Join(w.rows.Close(), w.db.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := w.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

// empty are databases without rows, by the table of their users: to migrate one takes longer than
// most tests do.
var empty = map[string]func() ([]byte, error){
	"users":           sync.OnceValues(func() ([]byte, error) { return migrate(ownModel()) }),
	"spauser_spauser": sync.OnceValues(func() ([]byte, error) { return migrate(spaModel()) }),
}

func migrated(table string) ([]byte, error) { return empty[table]() }

func migrate(m *account.Model) ([]byte, error) {
	dir, err := os.MkdirTemp("", "accounttest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "empty.db")
	db, err := store.Open(ctx, store.Options{URL: "sqlite:" + path, Model: m})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(ctx, nil), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// service is one more service over the same database.
func (w *world) service(instance string) *account.Service { return w.remembering(instance, false) }

// remembering is a service that may answer reads from memory.
func (w *world) remembering(instance string, remember bool) *account.Service {
	return w.with(hooked{w}, instance, remember)
}

// over is a service that answers reads from memory, over another store.
func (w *world) over(s account.Store) *account.Service { return w.with(s, instance, true) }

func (w *world) with(s account.Store, instance string, remember bool) *account.Service {
	return account.New(account.Options{
		Store: s, Pool: w.pool, Root: token.NewRoot(rootSecret, instance), SecretKey: token.SecretFrom(sharedKey),
		Fallbacks: []token.Secret{token.SecretFrom(oldShared)}, Remember: remember, Now: w.clock.now,
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
}

// add inserts a user whose password is secret, unless change says otherwise.
func (w *world) add(t testing.TB, email string, change func(*account.User)) account.User {
	t.Helper()
	u := account.User{Email: email, Password: secretHash(), IsActive: true, JWTSecret: account.NewJWTSecret(), DateJoined: w.clock.now()}
	if change != nil {
		change(&u)
	}
	w.update(t, func(tx account.Writer) (err error) {
		u.ID, err = tx.InsertUser(ctx, &u)
		return err
	})
	return u
}

// update changes rows behind the service's back.
func (w *world) update(t testing.TB, f func(account.Writer) error) {
	t.Helper()
	if err := w.db.Update(ctx, f); err != nil {
		t.Fatal(err)
	}
}

func (w *world) user(t testing.TB, id int64) (u account.User) {
	t.Helper()
	err := w.db.View(ctx, func(r account.Reader) (err error) {
		u, err = r.User(ctx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (w *world) session(t testing.TB, id int64) (s account.Session) {
	t.Helper()
	err := w.db.View(ctx, func(r account.Reader) (err error) {
		s, err = r.Session(ctx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// count runs one statement that counts rows.
func (w *world) count(t testing.TB, statement string) (n int) {
	t.Helper()
	if err := w.rows.QueryRow(statement).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) signIn(t testing.TB, p *account.Policy, login string) account.Grant {
	t.Helper()
	g, err := w.SignIn(ctx, p, account.Credentials{Login: login, Password: secret})
	if err != nil {
		t.Fatalf("sign in as %s: %v", login, err)
	}
	return g
}

func (w *world) who(t testing.TB, p *account.Policy, raw string) *account.Principal {
	t.Helper()
	who, err := w.Authenticate(ctx, p, raw)
	if err != nil {
		t.Fatalf("authenticate: %v", err)
	}
	return who
}

// judge is the code that a token gets; "" for none.
func (w *world) judge(p *account.Policy, raw string) account.Code {
	_, err := w.Authenticate(ctx, p, raw)
	return code(err)
}

// fault is what code says of an error that is no refusal.
const fault account.Code = "fault"

func code(err error) account.Code {
	refusal := account.Refusal(err)
	switch {
	case err == nil:
		return ""
	case refusal == nil:
		return fault
	}
	return refusal.Problems[0].Code
}

func wantCode(t testing.TB, what string, err error, want account.Code) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("%s: %q (%v), want %q", what, got, err, want)
	}
}

// jobs counts the hashes that f makes.
func (w *world) jobs(f func()) uint64 {
	before := w.pool.Stats().Total
	f()
	return w.pool.Stats().Total - before
}

// Policies, as serve has them.

func perUser() *account.Policy {
	return &account.Policy{
		Mount: "tag1", Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
		Tokens: account.Tokens{
			Signing: account.PerUser, Access: 15 * time.Minute, Refresh: time.Hour, Renewable: true,
			Claims: []account.Claim{
				{Name: "user_id", Source: account.FromUserID},
				{Name: "username", Source: account.FromLogin},
				{Name: "exp", Source: account.FromExpiry},
				{Name: "otp_device_id", Source: account.FromLevel},
				{Name: "orig_iat", Source: account.FromFirstIssued},
			},
		},
	}
}

// once is perUser without renewal: its tokens are named by their expiry.
func once() *account.Policy {
	p := perUser()
	p.Mount = "once"
	p.Tokens.Renewable = false
	p.Tokens.Claims = p.Tokens.Claims[:4]
	return p
}

func shared() *account.Policy {
	p := perUser()
	p.Mount = "djoser1"
	p.Tokens.Signing = account.Shared
	return p
}

func foreign(p *account.Policy) *account.Policy {
	p.Tokens.Foreign = true
	return p
}

func native() *account.Policy {
	return &account.Policy{
		Mount: "v1", Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(), StampLogin: true,
		Tokens: account.Tokens{
			Signing: account.Published, Access: 5 * time.Minute, Rotating: true,
			Refresh: 90 * 24 * time.Hour, Idle: 14 * 24 * time.Hour, Grace: 10 * time.Second,
			Claims: []account.Claim{
				{Name: "user_id", Source: account.FromUserID},
				{Name: "sid", Source: account.FromSession},
				{Name: "ep", Source: account.FromEpoch},
				{Name: "iat", Source: account.FromIssued},
				{Name: "iat_ms", Source: account.FromIssuedMilli},
				{Name: "exp", Source: account.FromExpiry},
				{Name: "jti", Source: account.FromTokenID},
			},
		},
	}
}

// Tokens made by hand.

// key is the key that signs u's tokens under p.
func (w *world) key(t testing.TB, p *account.Policy, u *account.User) *token.Key {
	t.Helper()
	switch p.Tokens.Signing {
	case account.Shared:
		return token.HMACKey(token.HS256, "", sharedKey)
	case account.PerUser:
		if w.db.Model().Django {
			x := fmt.Sprintf("%x", u.JWTSecret)
			return hmacKey(x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:])
		}
		return token.HMACKey(token.HS256, "", token.NewRoot(rootSecret, instance).UserKey(u.ID, u.JWTSecret).Bytes())
	}
	return w.activeKey(t)
}

func hmacKey(text string) *token.Key { return token.HMACKey(token.HS256, "", []byte(text)) }

// activeKey opens the key that signs published tokens.
func (w *world) activeKey(t testing.TB) *token.Key {
	t.Helper()
	for _, k := range w.signingKeys(t) {
		if k.State == token.Active {
			private, err := token.NewBox(token.NewRoot(rootSecret, instance).Key("signing keys at rest")).Open(k.Sealed, []byte(k.ID))
			if err != nil {
				t.Fatal(err)
			}
			key, err := token.ParsePrivate(token.Alg(private[0]), k.ID, private[1:])
			if err != nil {
				t.Fatal(err)
			}
			return key
		}
	}
	t.Fatal("no key signs")
	return nil
}

func (w *world) signingKeys(t testing.TB) (keys []account.StoredKey) {
	t.Helper()
	err := w.db.View(ctx, func(r account.Reader) (err error) {
		keys, err = r.SigningKeys(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// with are the claims of a token, one of them changed to other JSON; "" leaves it out.
func with(t testing.TB, raw, name, value string) []token.Claim {
	t.Helper()
	parsed, err := token.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	claims, found := []token.Claim{}, false
	for _, n := range parsed.Claims().Names() {
		v, _ := parsed.Claims().Raw(n)
		if n == name {
			found, v = true, json.RawMessage(value)
		}
		if len(v) > 0 {
			claims = append(claims, token.Claim{Name: n, Value: v})
		}
	}
	if !found && value != "" {
		claims = append(claims, token.Claim{Name: name, Value: json.RawMessage(value)})
	}
	return claims
}

func sign(t testing.TB, k *token.Key, claims ...token.Claim) string {
	t.Helper()
	s := token.Sign
	if k.Alg() == token.EdDSA {
		s = token.SignWithID
	}
	raw, err := s(k, claims...)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// hmacSum is the HMAC-SHA256 of text, under a key that token would refuse.
func hmacSum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// sql changes rows as nobody but an operator would.
func (w *world) sql(t testing.TB, statement string) {
	t.Helper()
	if _, err := w.rows.Exec(statement); err != nil {
		t.Fatal(err)
	}
}
