package token

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

type linkVectors struct {
	Secret string `json:"secret_key"`
	Tokens []struct {
		ID        int64      `json:"pk"`
		Password  string     `json:"password"`
		LastLogin *time.Time `json:"last_login"`
		Email     string     `json:"email"`
		Seconds   int64      `json:"seconds_since_2001"`
		Token     string     `json:"token"`
	} `json:"reset_tokens"`
	UIDs []struct {
		PK  any    `json:"pk"`
		UID string `json:"uid"`
	} `json:"uids"`
}

func readLinkVectors(t testing.TB) (v linkVectors) {
	t.Helper()
	text, err := os.ReadFile("testdata/django_links.json")
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil || len(v.Tokens) == 0 || len(v.UIDs) == 0 {
		t.Fatalf("the vectors: %v", err)
	}
	return v
}

// TestLinksAreDjangos holds the vectors that Django 3.2 made.
func TestLinksAreDjangos(t *testing.T) {
	v := readLinkVectors(t)
	links := NewLinks(SecretFrom([]byte(v.Secret)))
	for _, tt := range v.Tokens {
		of := &Linked{ID: tt.ID, Password: tt.Password, Email: tt.Email}
		if tt.LastLogin != nil {
			of.LastLogin = *tt.LastLogin
		}
		at := time.Unix(linkEpoch+tt.Seconds, 999)
		if got := links.Make(of, at); got != tt.Token {
			t.Errorf("token of user %d at %d: got %q, want %q", tt.ID, tt.Seconds, got, tt.Token)
		}
		if !links.Check(of, tt.Token, at.Add(3*24*time.Hour), 3*24*time.Hour) {
			t.Errorf("token of user %d at %d is refused after three days to the second", tt.ID, tt.Seconds)
		}
	}
	for _, tt := range v.UIDs {
		id, number := tt.PK.(float64)
		got, ok := ParseUID(tt.UID)
		if ok != number || number && (got != int64(id) || FormatUID(got) != tt.UID) {
			t.Errorf("uid %q: got %d, %v, want %v", tt.UID, got, ok, tt.PK)
		}
	}
}

func TestALinkDiesWithWhatItIsMadeOf(t *testing.T) {
	t.Parallel()
	now := time.Unix(1790000000, 0)
	of := Linked{ID: 7, Password: "hash", LastLogin: now.Add(-time.Hour), Email: "ann@example.com"}
	old, fresh := SecretFrom([]byte("old")), SecretFrom([]byte("fresh"))
	text := NewLinks(old).Make(&of, now)
	links := NewLinks(fresh, old)
	for _, tt := range []struct {
		name   string
		change func(*Linked)
		after  time.Duration
		want   bool
	}{
		{"nothing changed", func(*Linked) {}, 0, true},
		{"at the end of its time", func(*Linked) {}, time.Minute, true},
		{"a second later", func(*Linked) {}, time.Minute + time.Second, false},
		{"another user", func(l *Linked) { l.ID = 8 }, 0, false},
		{"another password", func(l *Linked) { l.Password = "other" }, 0, false},
		{"signed in since", func(l *Linked) { l.LastLogin = now }, 0, false},
		{"signed in within the same second", func(l *Linked) { l.LastLogin = l.LastLogin.Add(999 * time.Millisecond) }, 0, true},
		{"never signed in", func(l *Linked) { l.LastLogin = time.Time{} }, 0, false},
		{"another address", func(l *Linked) { l.Email = "Ann@example.com" }, 0, false},
		{"another purpose", func(l *Linked) { l.Purpose = "activation" }, 0, false},
	} {
		changed := of
		tt.change(&changed)
		if got := links.Check(&changed, text, now.Add(tt.after), time.Minute); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if NewLinks(fresh).Check(&of, text, now, time.Minute) {
		t.Error("a token of a key that is gone is taken")
	}
}

// FuzzLinks holds that nothing but the token itself is one, however it is spelled.
func FuzzLinks(f *testing.F) {
	v := readLinkVectors(f)
	links := NewLinks(SecretFrom([]byte(v.Secret)))
	now := time.Unix(1790000000, 0)
	of := &Linked{ID: 1, Password: "hash", Email: "ann@example.com"}
	good := links.Make(of, now)
	for _, text := range []string{"", "-", good, "0" + good, "+" + good, strings.ToUpper(good), good + "-", v.Tokens[0].Token, "zzzzzzzzzzzzzz-0", "N\n\n\nA"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := links.Check(of, text, now, time.Hour); got != (text == good) {
			t.Errorf("Check(%q) = %v", text, got)
		}
		if id, ok := ParseUID(text); ok && FormatUID(id) != strings.TrimRight(text, "=") {
			t.Errorf("ParseUID(%q) = %d, which is written %q", text, id, FormatUID(id))
		}
	})
}

// TestALinkOfAllauths holds what allauth 0.51 on Django 3.2 made of the same user.
func TestALinkOfAllauths(t *testing.T) {
	t.Parallel()
	links := NewLinks(SecretFrom([]byte("doorward-recording-secret-key-not-for-production-0123456789")))
	of := &Linked{
		ID: 1234567, Password: "pbkdf2_sha256$1$salt$hash", LastLogin: time.Date(2024, 5, 6, 7, 8, 9, 123000, time.UTC),
		Email: "Ann@example.com", Purpose: "Ann@example.com",
	}
	const want = "bkrfgg-87a10f4ae49b2d21714d128a22b4d125"
	if got := links.Make(of, time.Unix(linkEpoch+700000000, 0)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for text, want := range map[string]int64{"qglj": 1234567, "1": 1, "QGLJ": 0, "0": 0, "": 0, "-1": 0, "+1": 0, "01": 0, "z z": 0, "zzzzzzzzzzzzz": 0, "zzzzzzzzzzzzzz": 0} {
		if got, ok := ParseUID36(text); ok != (want > 0) || ok && (got != want || FormatUID36(got) != text) {
			t.Errorf("uid %q: got %d, %v, want %d", text, got, ok, want)
		}
	}
}
