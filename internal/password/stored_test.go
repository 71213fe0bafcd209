package password

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Well-formed hashes that the tables below bend.
const (
	someArgon2 = "argon2$argon2id$v=19$m=64,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$usjIzx2DULeSdw96z9xcDQ"
	somePBKDF2 = "pbkdf2_sha256$7$salt$fxGIheRK0YYnRnyh0Sfw4kTWhVhjVCyqvtYmXmcABsw="
	someSHA1   = "pbkdf2_sha1$1$s$dYhnkn1sYRo+M0C4FMgEdRL6xM8="
	someBcrypt = "bcrypt$$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq"
	someScrypt = "scrypt$16$pepperless$1$1$YrhqpPU3u7alBDv/tuciTAV9iVv2Z5ZSENDf4q0S7Ld9ClOBKTkfaa9Dh0S0r75lZyen2ONGmyW/wAl/JYSRbg=="
)

var wellFormed = []string{someArgon2, somePBKDF2, someSHA1, someBcrypt, someScrypt}

func TestWellFormed(t *testing.T) {
	for _, encoded := range wellFormed {
		if h, err := parse(encoded); err != nil || h.String() != encoded {
			t.Errorf("parse(%q) = %q, %v, want itself", encoded, h, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, tt := range []struct{ name, encoded, old, new string }{
		{"a plain SHA-1", "sha1$salt$fe6275b5fc6bd30da5c916034003c6834ab5a6b2", "", ""},
		{"a plain MD5", "md5$salt$d864fab06aaf0a2a06522fe17480761a", "", ""},
		{"bare hex", "c8dd729d66c4090c64b8e2d4cfee6e7c", "", ""},
		{"crypt", "crypt$$abLFx2UmK0r0M", "", ""},
		{"a name alone", "argon2", "", ""},
		{"a name and a sign", "argon2$", "", ""},
		{"signs alone", "$$$$$$", "", ""},
		{"a PHC string without Django's name", someArgon2, "argon2$argon2id", "$argon2id"},
		{"a name in capitals", someArgon2, "argon2$", "ARGON2$"},
		{"a blank before", someArgon2, "argon2$", " argon2$"},
		{"a field too many", someArgon2 + "$", "", ""},
		{"a field too few", someArgon2, "v=19$", ""},
		{"argon2d", someArgon2, "argon2id", "argon2d"},
		{"Argon2 1.0", someArgon2, "v=19", "v=16"},
		{"no passes", someArgon2, "t=1", "t=0"},
		{"no lanes", someArgon2, "p=1", "p=0"},
		{"too little memory for its lanes", someArgon2, "p=1", "p=9"},
		{"parameters in another order", someArgon2, "m=64,t=1", "t=1,m=64"},
		{"a parameter more", someArgon2, "p=1", "p=1,keyid=Hj5"},
		{"a plus sign", someArgon2, "m=64", "m=+64"},
		{"a minus sign", someArgon2, "t=1", "t=-1"},
		{"a leading zero", someArgon2, "m=64", "m=064"},
		{"an underscore in a number", someArgon2, "m=64", "m=6_4"},
		{"a digit of another script", someArgon2, "t=1", "t=١"},
		{"a number missing", someArgon2, "t=1", "t="},
		{"a padded salt", someArgon2, "dg$", "dg==$"},
		{"a salt with loose bits", someArgon2, "dg$", "dh$"},
		{"a salt in the other base64", someArgon2, "YWJj", "YW-j"},
		{"a line end in a salt", someArgon2, "YWJj", "YW\nJj"},
		{"a salt of 7 bytes", someArgon2, "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg", "YWJjZGVmZw"},
		{"a tag of 11 bytes", someArgon2, "usjIzx2DULeSdw96z9xcDQ", "usjIzx2DULeSdw8"},
		{"no tag", someArgon2, "usjIzx2DULeSdw96z9xcDQ", ""},
		{"no rounds", somePBKDF2, "$7$", "$0$"},
		{"rounds missing", somePBKDF2, "$7$", "$$"},
		{"rounds below nothing", somePBKDF2, "$7$", "$-7$"},
		{"rounds with a leading zero", somePBKDF2, "$7$", "$07$"},
		{"rounds in hex", somePBKDF2, "$7$", "$0x7$"},
		{"rounds with a blank", somePBKDF2, "$7$", "$7 $"},
		{"no salt", somePBKDF2, "salt", ""},
		{"a salt that is no UTF-8", somePBKDF2, "salt", "s\xfflt"},
		{"a salt with a sign", somePBKDF2, "salt", "sa$lt"},
		{"a tag of another size", somePBKDF2, "pbkdf2_sha256", "pbkdf2_sha1"},
		{"a tag without padding", somePBKDF2, "=", ""},
		{"a tag with loose bits", somePBKDF2, "sw=", "sx="},
		{"a line end behind", somePBKDF2 + "\n", "", ""},
		{"a hash longer than any", somePBKDF2, "salt", strings.Repeat("salt", 300)},
		{"bcrypt without its empty field", someBcrypt, "$$", "$"},
		{"the broken bcrypt of old PHP", someBcrypt, "2b", "2x"},
		{"the first bcrypt", someBcrypt, "$2b$", "$2$"},
		{"three rounds", someBcrypt, "$04$", "$03$"},
		{"no rounds in bcrypt", someBcrypt, "$04$", "$00$"},
		{"one digit of rounds", someBcrypt, "$04$", "$4$"},
		{"rounds with a plus", someBcrypt, "$04$", "$+4$"},
		{"a bcrypt salt with loose bits", someBcrypt, "stuuby", "stuvby"},
		{"a bcrypt tag with loose bits", someBcrypt, "xjiq", "xjir"},
		{"a bcrypt hash cut short", strings.TrimSuffix(someBcrypt, "q"), "", ""},
		{"a bcrypt hash cut in its salt", someBcrypt[:30], "", ""},
		{"N no power of two", someScrypt, "$16$", "$17$"},
		{"N of one", someScrypt, "$16$", "$1$"},
		{"r of nothing", someScrypt, "$1$1$", "$0$1$"},
		{"p of nothing", someScrypt, "$1$1$", "$1$0$"},
		{"a short scrypt tag", someScrypt, "YrhqpPU3u7al", ""},
	} {
		encoded := tt.encoded
		if tt.old != "" {
			if encoded = strings.Replace(encoded, tt.old, tt.new, 1); encoded == tt.encoded {
				t.Errorf("%s: %q has no %q", tt.name, tt.encoded, tt.old)
			}
		}
		if ok, err := Verify(encoded, "correct-horse"); ok || !errors.Is(err, ErrFormat) {
			t.Errorf("%s: Verify(%q) = %v, %v, want false, %v", tt.name, encoded, ok, err, ErrFormat)
		}
	}
}

func TestCostBounds(t *testing.T) {
	for _, tt := range []struct {
		name, encoded, old, new string
		want                    error
	}{
		{"Argon2 at 256 MiB and four passes", someArgon2, "m=64,t=1", "m=262144,t=4", nil},
		{"one more KiB", someArgon2, "m=64,t=1", "m=262145,t=1", ErrCost},
		{"one more pass", someArgon2, "m=64,t=1", "m=262144,t=5", ErrCost},
		{"many passes over little", someArgon2, "m=64,t=1", "m=64,t=1025", ErrCost},
		{"passes times memory past 32 bits", someArgon2, "m=64,t=1", "m=262144,t=1000", ErrCost},
		{"memory past 32 bits", someArgon2, "m=64", "m=4294967360", ErrCost},
		{"memory past 64 bits", someArgon2, "m=64", "m=184467440737095516160", ErrCost},
		{"64 lanes", someArgon2, "m=64,t=1,p=1", "m=512,t=1,p=64", nil},
		{"65 lanes", someArgon2, "m=64,t=1,p=1", "m=520,t=1,p=65", ErrCost},
		{"lanes past a byte", someArgon2, "p=1", "p=257", ErrCost},
		{"PBKDF2 at five million", somePBKDF2, "$7$", "$5000000$", nil},
		{"one more round", somePBKDF2, "$7$", "$5000001$", ErrCost},
		{"one more round of SHA-1", someSHA1, "$1$", "$5000001$", ErrCost},
		{"rounds past 64 bits", somePBKDF2, "$7$", "$99999999999999999999999$", ErrCost},
		{"bcrypt at 14", someBcrypt, "$04$", "$14$", nil},
		{"bcrypt at 15", someBcrypt, "$04$", "$15$", ErrCost},
		{"bcrypt at 31", someBcrypt, "$04$", "$31$", ErrCost},
		{"bcrypt at 99", someBcrypt, "$04$", "$99$", ErrCost},
		{"scrypt at 256 MiB", someScrypt, "$16$pepperless$1$1", "$262144$pepperless$8$1", nil},
		{"scrypt at 128 MiB twice", someScrypt, "$16$pepperless$1$1", "$131072$pepperless$8$2", nil},
		{"scrypt at 256 MiB twice", someScrypt, "$16$pepperless$1$1", "$262144$pepperless$8$2", ErrCost},
		{"scrypt at 512 MiB", someScrypt, "$16$pepperless$1$1", "$524288$pepperless$8$1", ErrCost},
		{"scrypt with a huge r", someScrypt, "$16$pepperless$1$1", "$2$pepperless$2147483647$1", ErrCost},
		{"scrypt with a huge N and r", someScrypt, "$16$pepperless$1$1", "$268435456$pepperless$268435456$1", ErrCost},
		{"scrypt with a huge p", someScrypt, "$16$pepperless$1$1", "$2$pepperless$1$65", ErrCost},
	} {
		encoded := strings.Replace(tt.encoded, tt.old, tt.new, 1)
		if _, err := parse(encoded); !errors.Is(err, tt.want) {
			t.Errorf("%s: parse(%q) = %v, want %v", tt.name, encoded, err, tt.want)
		}
		if tt.want == nil {
			continue // allowed, and slow
		}
		start := time.Now()
		if ok, err := Verify(encoded, "x"); ok || !errors.Is(err, ErrCost) || time.Since(start) > time.Second {
			t.Errorf("%s: Verify(%q) = %v, %v in %v, want %v at once", tt.name, encoded, ok, err, time.Since(start), ErrCost)
		}
	}
}

// FuzzVerify is of the parser: what it lets through is within the bounds and spelt as Django spells
// it, and is computed only when cheap.
func FuzzVerify(f *testing.F) {
	for _, user := range sample(f) {
		f.Add(user.Encoded, "correct-horse")
	}
	for _, encoded := range append(wellFormed, "", "!", "$", "argon2$argon2id$v=19$m=4294967295,t=4294967295,p=255$$") {
		f.Add(encoded, "a\x00\xff")
	}
	f.Fuzz(func(t *testing.T, encoded, password string) {
		h, err := parse(encoded)
		if err != nil {
			want := ErrFormat
			if errors.Is(err, ErrCost) {
				want = ErrCost
			}
			refused(t, encoded, password, want)
			return
		}
		if h.kind == KindUnusable {
			refused(t, encoded, password, nil)
			return
		}
		if h.String() != encoded || h.kind != Identify(encoded) {
			t.Fatalf("parse(%q) = %q of kind %s", encoded, h, h.kind)
		}
		c := h.cost
		if c.Argon2.MemoryKiB > maxArgon2KiB || c.Rounds > maxPBKDF2Rounds || 128*c.N*c.R*c.P > maxScryptWork {
			t.Fatalf("parse(%q) let %+v through", encoded, c)
		}
		if slow := c.Rounds > 100 || h.variant[:min(1, len(h.variant))] == "2" && c.Rounds > 4 ||
			c.Argon2.MemoryKiB*c.Argon2.Time > 1024 || c.N*c.R*c.P > 1024; slow {
			return
		}
		if _, err := Verify(encoded, password); err != nil {
			t.Fatalf("Verify(%q, %q): %v", encoded, password, err)
		}
	})
}
