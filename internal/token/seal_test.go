package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fixedKey makes tests say the same every time.
func fixedKey(b byte) Secret { return SecretFrom(bytes.Repeat([]byte{b}, 32)) }

func TestSecretsNeverPrint(t *testing.T) {
	type config struct {
		Open   Secret
		hidden Secret
	}
	secret := SecretFrom([]byte("hunter2"))
	holder := config{secret, secret}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("a", "secret", secret, "holder", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("a", "secret", secret, "holder", holder)
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{secret.String(), secret.GoString(), log.String(), string(asJSON)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%c", "%08b", "%p"} {
		texts = append(texts, fmt.Sprintf(verb, secret), fmt.Sprintf(verb, &secret), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, &holder))
	}
	texts = append(texts, fmt.Sprintf("%v %#v %d", NewRoot(secret, ""), NewRoot(secret, ""), NewRefreshTokens(secret)))
	for _, text := range texts {
		for _, shown := range []string{"hunter2", "68756e746572", "68756E746572", "104 117 110", "0x68, 0x75", "aHVudGVyMg"} {
			if strings.Contains(text, shown) {
				t.Errorf("secret prints %q: %s", shown, text)
			}
		}
	}
	if got := fmt.Sprint(secret); got != "[redacted]" {
		t.Errorf("prints %q", got)
	}
	if a, b := NewSecret(), NewSecret(); len(a.Bytes()) != 32 || a.Equal(b) || !a.Equal(SecretFrom(a.Bytes())) {
		t.Error("NewSecret is not 32 bytes of chance")
	}
	if (Secret{}).Bytes() != nil {
		t.Error("the zero Secret is not empty")
	}
}

// The HKDF of RFC 5869 §2 written out, as a second opinion.
func hkdfByHand(secret, salt []byte, info string) []byte {
	sum := func(key []byte, parts ...string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(strings.Join(parts, "")))
		return mac.Sum(nil)
	}
	return sum(sum(salt, string(secret)), info, "\x01")
}

func TestEveryPurposeAndInstanceHasItsOwnKey(t *testing.T) {
	secret := fixedKey(1)
	root := NewRoot(secret, "instance-1")
	if want := hkdfByHand(secret.Bytes(), []byte("instance-1"), "doorward/1/jti"); !bytes.Equal(root.Key("jti").Bytes(), want) {
		t.Errorf("Key(jti) = %x, want %x", root.Key("jti").Bytes(), want)
	}
	seen := map[string]string{}
	for name, key := range map[string]Secret{
		"the root key":                     secret,
		"jti":                              root.Key("jti"),
		"refresh":                          root.Key("refresh"),
		"per-user":                         root.Key("per-user"),
		"jti of another instance":          NewRoot(secret, "instance-2").Key("jti"),
		"jti of another root":              NewRoot(fixedKey(2), "instance-1").Key("jti"),
		"user 1":                           root.UserKey(1, [16]byte{1}),
		"user 2 with the same jwt_secret":  root.UserKey(2, [16]byte{1}),
		"user 1 with a new jwt_secret":     root.UserKey(1, [16]byte{2}),
		"user 1 in another instance":       NewRoot(secret, "instance-2").UserKey(1, [16]byte{1}),
		"user -1, of whom there is none":   root.UserKey(-1, [16]byte{1}),
		"user 0, of whom there is none":    root.UserKey(0, [16]byte{1}),
		"user 1 with an empty jwt_secret ": root.UserKey(1, [16]byte{}),
	} {
		if len(key.Bytes()) != 32 {
			t.Errorf("%s: %d bytes, want 32", name, len(key.Bytes()))
		}
		if other, twice := seen[string(key.Bytes())]; twice {
			t.Errorf("%s and %s have one key", name, other)
		}
		seen[string(key.Bytes())] = name
	}
	if !root.UserKey(1, [16]byte{1}).Equal(NewRoot(secret, "instance-1").UserKey(1, [16]byte{1})) {
		t.Error("the key of a user changes")
	}
}

var sessions = rapid.OneOf(rapid.Int64Range(0, math.MaxInt64), rapid.SampledFrom([]int64{0, 1, math.MaxInt64}))

func TestWhatIsSealedOpens(t *testing.T) {
	sealer, other := NewSealer(fixedKey(1)), NewSealer(fixedKey(2))
	refresh, otherRefresh := NewRefreshTokens(fixedKey(1)), NewRefreshTokens(fixedKey(2))
	rapid.Check(t, func(t *rapid.T) {
		session, number := sessions.Draw(t, "session"), rapid.Uint32().Draw(t, "number")
		short := rapid.Uint16()
		sealed := Sealed{session, short.Draw(t, "epoch"), short.Draw(t, "generation"), rapid.Uint8().Draw(t, "kind"), short.Draw(t, "salt")}
		jti, token := sealer.Seal(sealed), refresh.Mint(session, number)
		if got, ok := sealer.Open(jti); !ok || got != sealed || len(jti) != 32 {
			t.Fatalf("Open(%s) = %+v, %v, want %+v", jti, got, ok, sealed)
		}
		if s, n, ok := refresh.Open(token); !ok || s != session || n != number || len(token) != refreshLen {
			t.Fatalf("Open(%s) = %d, %d, %v, want %d, %d", token, s, n, ok, session, number)
		}
		if got, _ := other.Open(jti); got == sealed {
			t.Fatalf("%s opens under another key", jti)
		}
		if _, _, ok := otherRefresh.Open(token); ok {
			t.Fatalf("%s opens under another key", token)
		}
		if token != refresh.Mint(session, number) || token == refresh.Mint(session, number+1) {
			t.Fatalf("successor of %s is not one text", token)
		}
	})
}

var sealedForTests = Sealed{Session: 1<<62 + 7, Epoch: 3, Generation: 5, Kind: 2, Salt: 11}

// Golden texts: tokens that are out there have to open after an update.
func TestSealedTextsStayWhatTheyAre(t *testing.T) {
	const wantJTI, wantToken = "6b042602b0d2db82b34c56dd4c314637", "dwr_QAAAAAAAAAcAAAADcob_luFeuwjUULaoRuJMiVIE-WGRLnudlXR7yvWPs8U"
	if got := NewSealer(fixedKey(1)).Seal(sealedForTests); got != wantJTI {
		t.Errorf("Seal = %s, want %s", got, wantJTI)
	}
	if got := NewRefreshTokens(fixedKey(1)).Mint(1<<62+7, 3); got != wantToken {
		t.Errorf("Mint = %s, want %s", got, wantToken)
	}
}

func TestNoOtherSpellingOpens(t *testing.T) {
	sealer, refresh := NewSealer(fixedKey(1)), NewRefreshTokens(fixedKey(1))
	// One that is changed may open, once in 2^9, and names another session then.
	opensJTI := func(text string) bool {
		got, ok := sealer.Open(text)
		return ok && got.Session == sealedForTests.Session
	}
	opensToken := func(text string) bool { _, _, ok := refresh.Open(text); return ok }
	for _, tt := range []struct {
		name, good string
		opens      func(string) bool
	}{
		{"jti", sealer.Seal(sealedForTests), opensJTI},
		{"refresh token", refresh.Mint(1<<62+7, 3), opensToken},
	} {
		if !tt.opens(tt.good) {
			t.Fatalf("%s: %s doesn't open", tt.name, tt.good)
		}
		for _, text := range []string{
			"", tt.good + "\n", "\n" + tt.good, tt.good + "=", tt.good + "A", tt.good + tt.good,
			strings.ToUpper(tt.good), strings.ToLower(tt.good) + " ", strings.Replace(tt.good, "_", "-", 1) + " ", "f47ac10b58cc4372a5670e02b2c3d479",
		} {
			if tt.opens(text) {
				t.Errorf("%s: %q opens", tt.name, text)
			}
		}
		for i := range len(tt.good) {
			if tt.opens(tt.good[:i]) || tt.opens(tt.good[i+1:]) {
				t.Errorf("%s: opens when cut at %d", tt.name, i)
			}
			for c := range 256 {
				text := tt.good[:i] + string([]byte{byte(c)}) + tt.good[i+1:]
				if text != tt.good && tt.opens(text) {
					t.Errorf("%s: %q opens", tt.name, text)
				}
				if inserted := tt.good[:i] + string([]byte{byte(c)}) + tt.good[i:]; tt.opens(inserted) {
					t.Errorf("%s: %q opens", tt.name, inserted)
				}
			}
		}
	}
}

// Every one of the 9 check bits counts.
func TestBlocksWithCheckBitsAreForeign(t *testing.T) {
	sealer := NewSealer(fixedKey(1))
	for _, bit := range []int{0, 120, 121, 122, 123, 124, 125, 126, 127} {
		var b [16]byte
		b[bit/8] |= 0x80 >> (bit % 8)
		sealer.block.Encrypt(b[:], b[:])
		if got, ok := sealer.Open(hex.EncodeToString(b[:])); ok {
			t.Errorf("bit %d set: opens as %+v", bit, got)
		}
	}
}

func TestRandomIdentifiersAreForeign(t *testing.T) {
	sealer := NewSealer(fixedKey(1))
	opened := 0
	const tries = 100 << 9
	for n := range uint64(tries) {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n))
		if _, ok := sealer.Open(hex.EncodeToString(sum[:16])); ok {
			opened++
		}
	}
	if opened > 200 { // 100 are to be expected
		t.Errorf("%d of %d identifiers that others made open", opened, tries)
	}
}

func TestNegativeSessionsAndWrongKeysPanic(t *testing.T) {
	for name, wrong := range map[string]func(){
		"Seal":    func() { NewSealer(fixedKey(1)).Seal(Sealed{Session: -1}) },
		"Mint":    func() { NewRefreshTokens(fixedKey(1)).Mint(-1, 0) },
		"a key":   func() { NewSealer(SecretFrom(make([]byte, 16))) },
		"no key":  func() { NewBox(Secret{}) },
		"HMACKey": func() { HMACKey(RS256, "", testSecret) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			wrong()
		}()
	}
}

func TestABoxOpensInItsPlaceOnly(t *testing.T) {
	box := NewBox(fixedKey(1))
	rapid.Check(t, func(t *rapid.T) {
		plaintext := rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext")
		place := rapid.SliceOf(rapid.Byte()).Draw(t, "place")
		sealed := box.Seal(plaintext, place)
		if got, err := box.Open(sealed, place); err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("Open = %x, %v, want %x", got, err, plaintext)
		}
		if bytes.Equal(sealed, box.Seal(plaintext, place)) || len(sealed) != len(plaintext)+28 {
			t.Fatalf("sealed text: %x", sealed)
		}
		changed := bytes.Clone(sealed)
		changed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for name, open := range map[string]func() ([]byte, error){
			"changed":           func() ([]byte, error) { return box.Open(changed, place) },
			"cut":               func() ([]byte, error) { return box.Open(sealed[:len(sealed)-1], place) },
			"nothing":           func() ([]byte, error) { return box.Open(nil, place) },
			"in another place":  func() ([]byte, error) { return box.Open(sealed, append(place, 0)) },
			"under another key": func() ([]byte, error) { return NewBox(fixedKey(2)).Open(sealed, place) },
		} {
			if got, err := open(); !errors.Is(err, ErrSealed) || got != nil {
				t.Fatalf("%s: Open = %x, %v, want %v", name, got, err, ErrSealed)
			}
		}
	})
}
