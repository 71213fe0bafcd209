package password

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	xbcrypt "golang.org/x/crypto/bcrypt"
	"pgregory.net/rapid"
)

var cheap = Params{MemoryKiB: 64, Time: 1, Threads: 1}

func load(t testing.TB, file string, into any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// sampleUser is one user of a Django 3.2 database; password is null where nobody can sign in.
type sampleUser struct {
	Username, Hash, Encoded string
	Password                *string
}

func sample(t testing.TB) []sampleUser {
	t.Helper()
	var file struct{ Users []sampleUser }
	load(t, "django_sample.json", &file)
	if len(file.Users) != 22 {
		t.Fatalf("the sample has %d users, want 22", len(file.Users))
	}
	return file.Users
}

// TestSample takes every hash of a Django database through verification and back.
func TestSample(t *testing.T) {
	seen := map[Kind]int{}
	for _, user := range sample(t) {
		kind := Identify(user.Encoded)
		seen[kind]++
		t.Run(user.Username, func(t *testing.T) {
			t.Parallel()
			switch kind {
			case KindUnknown:
				refused(t, user.Encoded, *user.Password, ErrFormat)
			case KindUnusable:
				for _, password := range []string{"", user.Encoded, "correct-horse-17"} {
					refused(t, user.Encoded, password, nil)
				}
			default:
				accepted(t, user.Encoded, *user.Password)
				refused(t, user.Encoded, *user.Password+"x", nil)
			}
		})
	}
	want := map[Kind]int{
		KindPBKDF2SHA256: 8, KindPBKDF2SHA1: 1, KindArgon2: 2, KindBcryptSHA256: 2,
		KindBcrypt: 1, KindScrypt: 1, KindUnknown: 5, KindUnusable: 2,
	}
	for kind, n := range want {
		if seen[kind] != n {
			t.Errorf("%d users of kind %q, want %d", seen[kind], kind, n)
		}
	}
}

// TestDjangoHashes has what the sample lacks: cheap hashes made by Django 3.2's hashers, by
// argon2-cffi 21.1, bcrypt 3.2 and hashlib.
func TestDjangoHashes(t *testing.T) {
	var cases []struct{ Name, Password, Encoded string }
	load(t, "hashes.json", &cases)
	for _, tt := range cases {
		t.Run(tt.Name, func(t *testing.T) {
			accepted(t, tt.Encoded, tt.Password)
			refused(t, tt.Encoded, "x"+tt.Password[:min(len(tt.Password), 60)], nil)
		})
	}
}

// accepted checks that password matches encoded, and that Encode writes encoded again.
func accepted(t *testing.T, encoded, password string) {
	t.Helper()
	if ok, err := Verify(encoded, password); !ok || err != nil {
		t.Errorf("Verify(%q, %q) = %v, %v, want true, nil", encoded, password, ok, err)
	}
	h, err := parse(encoded)
	if err != nil {
		t.Fatalf("parse(%q): %v", encoded, err)
	}
	if h.variant == variantI || h.variant == "2a" || h.variant == "2y" || len(password) > bcryptBytes && h.kind == KindBcrypt {
		return // read, never written
	}
	salt := string(h.salt)
	if h.kind == KindBcrypt || h.kind == KindBcryptSHA256 {
		salt = bcrypt64.EncodeToString(h.salt)
	}
	h.cost.TagBytes = len(h.tag)
	if got, err := Encode(h.kind, password, salt, h.cost); got != encoded || err != nil {
		t.Errorf("Encode(%s, %q, %q, %+v) = %q, %v, want %q", h.kind, password, salt, h.cost, got, err, encoded)
	}
}

func refused(t *testing.T, encoded, password string, want error) {
	t.Helper()
	if ok, err := Verify(encoded, password); ok || !errors.Is(err, want) {
		t.Errorf("Verify(%q, %q) = %v, %v, want false, %v", encoded, password, ok, err, want)
	}
}

func TestHash(t *testing.T) {
	form := regexp.MustCompile(`^argon2\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`)
	a, b := Hash("correct-horse", cheap), Hash("correct-horse", cheap)
	if !form.MatchString(a) || a == b {
		t.Errorf("Hash twice = %q, %q, want two of the form %v", a, b, form)
	}
	if got := Hash("correct-horse", Default); len(got) > 128 {
		t.Errorf("Hash = %q, %d characters, want at most the 128 of Django's column", got, len(got))
	}
	rapid.Check(t, func(t *rapid.T) {
		password, other := rapid.String().Draw(t, "password"), rapid.String().Draw(t, "other")
		encoded := Hash(password, cheap)
		if ok, err := Verify(encoded, password); !ok || err != nil {
			t.Fatalf("Verify(%q, %q) = %v, %v, want true", encoded, password, ok, err)
		}
		if ok, err := Verify(encoded, other); ok != (other == password) || err != nil {
			t.Fatalf("Verify(%q, %q) = %v, %v, want %v", encoded, other, ok, err, other == password)
		}
	})
}

func TestHashOfBadParamsPanics(t *testing.T) {
	for _, p := range []Params{{}, {MemoryKiB: 7, Time: 1, Threads: 1}, {MemoryKiB: 1 << 20, Time: 1, Threads: 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Hash with %+v did not panic", p)
				}
			}()
			Hash("correct-horse", p)
		}()
	}
}

func TestUnusable(t *testing.T) {
	form := regexp.MustCompile(`^![A-Za-z0-9]{40}$`)
	if a, b := Unusable(), Unusable(); !form.MatchString(a) || a == b {
		t.Errorf("Unusable twice = %q, %q, want two of the form %v", a, b, form)
	}
}

func TestEncodeMakesItsOwnSalt(t *testing.T) {
	for kind, cost := range map[Kind]Cost{
		KindArgon2:       {Argon2: cheap},
		KindPBKDF2SHA256: {Rounds: 2},
		KindPBKDF2SHA1:   {Rounds: 2},
		KindBcryptSHA256: {Rounds: 4},
		KindBcrypt:       {Rounds: 4},
		KindScrypt:       {N: 16, R: 1, P: 1},
	} {
		a, err := Encode(kind, "correct-horse", "", cost)
		if err != nil {
			t.Fatalf("Encode(%s): %v", kind, err)
		}
		if b, _ := Encode(kind, "correct-horse", "", cost); a == b {
			t.Errorf("Encode(%s) twice = %q, want two salts", kind, a)
		}
		if ok, err := Verify(a, "correct-horse"); !ok || err != nil || Identify(a) != kind {
			t.Errorf("Verify(%q) = %v, %v, kind %s, want true, kind %s", a, ok, err, Identify(a), kind)
		}
	}
	if got, err := Encode(KindUnusable, "x", "", Cost{}); Identify(got) != KindUnusable || err != nil {
		t.Errorf("Encode(unusable) = %q, %v", got, err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	const salt22 = "abcdefghijklmnopqrstuu"
	for _, tt := range []struct {
		name           string
		kind           Kind
		password, salt string
		cost           Cost
		want           error
	}{
		{"an unknown kind", "md5", "x", "salt", Cost{}, ErrFormat},
		{"a salt with a dollar sign", KindPBKDF2SHA256, "x", "sa$lt", Cost{Rounds: 1}, ErrFormat},
		{"a salt longer than a hash", KindPBKDF2SHA256, "x", strings.Repeat("s", 2000), Cost{Rounds: 1}, ErrFormat},
		{"no rounds", KindPBKDF2SHA256, "x", "salt", Cost{}, ErrFormat},
		{"too many rounds", KindPBKDF2SHA1, "x", "salt", Cost{Rounds: maxPBKDF2Rounds + 1}, ErrCost},
		{"a short Argon2 salt", KindArgon2, "x", "1234567", Cost{Argon2: cheap}, ErrFormat},
		{"a short Argon2 tag", KindArgon2, "x", "12345678", Cost{Argon2: cheap, TagBytes: 11}, ErrFormat},
		{"a negative Argon2 tag", KindArgon2, "x", "12345678", Cost{Argon2: cheap, TagBytes: -1}, ErrFormat},
		{"a salt that is no bcrypt salt", KindBcrypt, "x", "salt", Cost{Rounds: 4}, ErrFormat},
		{"a bcrypt salt with loose bits", KindBcrypt, "x", "abcdefghijklmnopqrstuv", Cost{Rounds: 4}, ErrFormat},
		{"bcrypt of 73 bytes", KindBcrypt, strings.Repeat("x", 73), salt22, Cost{Rounds: 4}, ErrUnhashable},
		{"bcrypt of a NUL", KindBcrypt, "a\x00", salt22, Cost{Rounds: 4}, ErrUnhashable},
		{"bcrypt of 72 bytes is fine", KindBcrypt, strings.Repeat("x", 72), salt22, Cost{Rounds: 4}, nil},
		{"bcrypt_sha256 of 73 bytes is fine", KindBcryptSHA256, strings.Repeat("x", 73), salt22, Cost{Rounds: 4}, nil},
	} {
		got, err := Encode(tt.kind, tt.password, tt.salt, tt.cost)
		if !errors.Is(err, tt.want) || (err == nil) != (got != "") {
			t.Errorf("%s: Encode = %q, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

// TestBcrypt holds our bcrypt against that of x/crypto.
func TestBcrypt(t *testing.T) {
	for _, password := range []string{"", "a", "correct-horse", strings.Repeat("ü", 36)} {
		theirs, err := xbcrypt.GenerateFromPassword([]byte(password), xbcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := Verify("bcrypt$"+string(theirs), password); !ok || err != nil {
			t.Errorf("Verify(%s, %q) = %v, %v, want true", theirs, password, ok, err)
		}
		ours, err := Encode(KindBcrypt, password, "", Cost{Rounds: 5})
		if err != nil {
			t.Fatal(err)
		}
		if err := xbcrypt.CompareHashAndPassword([]byte(strings.TrimPrefix(ours, "bcrypt$")), []byte(password)); err != nil {
			t.Errorf("x/crypto on %s and %q: %v", ours, password, err)
		}
	}
	twice := "bcrypt$$2b$04$abcdefghijklmnopqrstuu"
	h, err := Encode(KindBcrypt, "a", twice[len(twice)-22:], Cost{Rounds: 4})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, h, "a\x00a", nil)
}

func TestOutdated(t *testing.T) {
	good, err := Encode(KindArgon2, "x", "0123456789abcdef", Cost{Argon2: cheap})
	if err != nil {
		t.Fatal(err)
	}
	short, err := Encode(KindArgon2, "x", "0123456789abcdef", Cost{Argon2: cheap, TagBytes: 16})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, encoded string
		want          bool
	}{
		{"one of ours", good, false},
		{"one of ours at another cost", strings.Replace(good, "t=1", "t=2", 1), true},
		{"with more memory", strings.Replace(good, "m=64", "m=128", 1), true},
		{"Argon2i at the same cost", strings.Replace(good, "argon2id", "argon2i", 1), true},
		{"with the 16 byte tag of an older argon2-cffi", short, true},
		{"with a salt of 8 bytes", strings.Replace(good, phc64.EncodeToString([]byte("0123456789abcdef")), phc64.EncodeToString([]byte("01234567")), 1), true},
		{"PBKDF2", "pbkdf2_sha256$1$s$fxGIheRK0YYnRnyh0Sfw4kTWhVhjVCyqvtYmXmcABsw=", true},
		{"unusable", Unusable(), false},
		{"empty", "", false},
		{"malformed", good + "$", false},
		{"of an unknown kind", "md5$salt$d864fab06aaf0a2a06522fe17480761a", false},
	} {
		if got := Outdated(tt.encoded, cheap); got != tt.want {
			t.Errorf("%s: Outdated(%q) = %v, want %v", tt.name, tt.encoded, got, tt.want)
		}
	}
}
