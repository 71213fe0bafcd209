package token

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// now is the instant of all tests that need one: 2023-11-14, 22:13:20 UTC and half a second.
var now = time.Unix(1700000000, 5e8)

// verified signs claims and reads them back.
func verified(t *testing.T, claims ...Claim) Claims {
	t.Helper()
	k := HMACKey(HS256, "", []byte("secret key of a test"))
	raw, err := Sign(k, claims...)
	if err != nil {
		t.Fatal(err)
	}
	u, err := Parse(raw)
	if err != nil {
		t.Fatalf("Parse(%s): %v", raw, err)
	}
	c, err := u.Verify(k)
	if err != nil {
		t.Fatalf("Verify(%s): %v", raw, err)
	}
	return c
}

func TestTimesAreJudgedStrictly(t *testing.T) {
	for _, tt := range []struct {
		name, value   string // "" is no claim
		exp, nbf, iat error
	}{
		{"missing", "", ErrClaim, nil, nil},
		{"null", "null", ErrClaim, ErrClaim, ErrClaim},
		{"text", `"1800000000"`, ErrClaim, ErrClaim, ErrClaim},
		{"empty text", `""`, ErrClaim, ErrClaim, ErrClaim},
		{"true", "true", ErrClaim, ErrClaim, ErrClaim},
		{"an array", "[1800000000]", ErrClaim, ErrClaim, ErrClaim},
		{"an object", `{"a":1800000000}`, ErrClaim, ErrClaim, ErrClaim},
		{"a second ago", "1699999999", ErrExpired, nil, nil},
		{"this second", "1700000000", ErrExpired, nil, nil},
		{"a second ahead", "1700000001", nil, ErrNotYetValid, ErrNotYetValid},
		{"zero", "0", ErrExpired, nil, nil},
		{"minus zero", "-0", ErrExpired, nil, nil},
		{"negative", "-1", ErrExpired, nil, nil},
		{"negative and a fraction", "-1.5", ErrExpired, nil, nil},
		{"the last of 64 bits", "9223372036854775807", nil, ErrNotYetValid, ErrNotYetValid},
		{"the first of 64 bits", "-9223372036854775808", ErrExpired, nil, nil},
		{"beyond 64 bits", "9223372036854775808", ErrClaim, ErrClaim, ErrClaim},
		{"beyond 64 bits below", "-9223372036854775809", ErrClaim, ErrClaim, ErrClaim},
		{"beyond the exactness of floats", "1e16", ErrClaim, ErrClaim, ErrClaim},
		{"beyond all floats", "1e400", ErrClaim, ErrClaim, ErrClaim},
		{"beyond all floats below", "-1e400", ErrClaim, ErrClaim, ErrClaim},
		{"a fraction of this second", "1700000000.9", ErrExpired, nil, nil},
		{"a fraction of the next second", "1700000001.0", nil, ErrNotYetValid, ErrNotYetValid},
		{"an exponent in the past", "1.6e9", ErrExpired, nil, nil},
		{"an exponent ahead", "18E+8", nil, ErrNotYetValid, ErrNotYetValid},
		{"next to nothing", "1e-400", ErrExpired, nil, nil},
	} {
		for claim, want := range map[string]error{"exp": tt.exp, "nbf": tt.nbf, "iat": tt.iat} {
			c := verified(t, Claim{"user_id", 7})
			if tt.value != "" {
				c = verified(t, Claim{claim, json.RawMessage(tt.value)})
			}
			v := Validity{RequireExp: claim == "exp", CheckIssuedAt: true}
			if got := c.Check(now, v); !errors.Is(got, want) {
				t.Errorf("%s %s (%s): Check = %v, want %v", claim, tt.name, tt.value, got, want)
			}
		}
	}
}

func TestPartiesAreJudgedStrictly(t *testing.T) {
	asked := Validity{Audience: []string{"web", "app"}, Issuer: "doorward"}
	for _, tt := range []struct {
		name, aud, iss string
		validity       Validity
		want           error
	}{
		{"one of the audience as text", `"app"`, `"doorward"`, asked, nil},
		{"one of the audience in an array", `["x","web"]`, `"doorward"`, asked, nil},
		{"another audience as text", `"x"`, `"doorward"`, asked, ErrAudience},
		{"another audience in an array", `["x"]`, `"doorward"`, asked, ErrAudience},
		{"no audience in an array", `[]`, `"doorward"`, asked, ErrAudience},
		{"part of the name", `"we"`, `"doorward"`, asked, ErrAudience},
		{"another case", `"WEB"`, `"doorward"`, asked, ErrAudience},
		{"no audience", "", `"doorward"`, asked, ErrClaim},
		{"audience null", "null", `"doorward"`, asked, ErrClaim},
		{"audience a number", "7", `"doorward"`, asked, ErrClaim},
		{"audience an object", `{"web":1}`, `"doorward"`, asked, ErrClaim},
		{"audience an array with a number", `["web",7]`, `"doorward"`, asked, ErrClaim},
		{"audience an array in an array", `[["web"]]`, `"doorward"`, asked, ErrClaim},
		{"no issuer", `"web"`, "", asked, ErrClaim},
		{"issuer null", `"web"`, "null", asked, ErrClaim},
		{"issuer an array", `"web"`, `["doorward"]`, asked, ErrClaim},
		{"issuer empty", `"web"`, `""`, asked, ErrIssuer},
		{"another issuer", `"web"`, `"doorward "`, asked, ErrIssuer},
		{"an audience nobody asked for", `"web"`, "", Validity{}, ErrAudience},
		{"an audience nobody asked for, ignored", `"web"`, "", Validity{AnyAudience: true}, nil},
		{"an audience of a wrong type, ignored", `7`, "", Validity{AnyAudience: true}, nil},
		{"an audience that was asked for isn't ignored", `"x"`, "", Validity{Audience: []string{"web"}, AnyAudience: true}, ErrAudience},
		{"an issuer nobody asked for", "", `"x"`, Validity{}, nil},
		{"nothing asked, nothing there", "", "", Validity{}, nil},
	} {
		var claims []Claim
		if tt.aud != "" {
			claims = append(claims, Claim{"aud", json.RawMessage(tt.aud)})
		}
		if tt.iss != "" {
			claims = append(claims, Claim{"iss", json.RawMessage(tt.iss)})
		}
		if got := verified(t, claims...).Check(now, tt.validity); !errors.Is(got, tt.want) {
			t.Errorf("%s: Check(aud %s, iss %s) = %v, want %v", tt.name, tt.aud, tt.iss, got, tt.want)
		}
	}
}

func TestLeewayStretchesEveryTime(t *testing.T) {
	tenSeconds := Validity{Leeway: 10 * time.Second, CheckIssuedAt: true}
	for _, tt := range []struct {
		name  string
		claim string
		at    int64
		want  error
	}{
		{"expired within it", "exp", -9, nil},
		{"expired at its end", "exp", -10, ErrExpired},
		{"valid soon", "nbf", 10, nil},
		{"valid later", "nbf", 11, ErrNotYetValid},
		{"issued soon", "iat", 10, nil},
		{"issued later", "iat", 11, ErrNotYetValid},
	} {
		c := verified(t, Claim{tt.claim, now.Unix() + tt.at})
		if got := c.Check(now, tenSeconds); !errors.Is(got, tt.want) {
			t.Errorf("%s: %s at %+d: Check = %v, want %v", tt.name, tt.claim, tt.at, got, tt.want)
		}
	}
	future := verified(t, Claim{"iat", now.Unix() + 100})
	if err := future.Check(now, Validity{}); err != nil {
		t.Errorf("iat in the future, not asked for: Check = %v, want nil", err)
	}
}

func TestClaimsAreReadByTheirType(t *testing.T) {
	type reading struct {
		Int    int64
		IntOK  State
		Text   string
		TextOK State
		Bool   State
		List   []string
		ListOK State
	}
	wrong := reading{IntOK: WrongType, TextOK: WrongType, Bool: WrongType, ListOK: WrongType}
	with := func(change func(*reading)) reading { r := wrong; change(&r); return r }
	for _, tt := range []struct {
		name, value string
		want        reading
	}{
		{"an integer", "7", with(func(r *reading) { r.Int, r.IntOK = 7, Present })},
		{"a negative integer", "-7", with(func(r *reading) { r.Int, r.IntOK = -7, Present })},
		{"an integer with a fraction", "7.0", wrong},
		{"an integer with an exponent", "7e0", wrong},
		{"an integer beyond 64 bits", "18446744073709551616", wrong},
		{"an integer beyond 53 bits", "9007199254740993", with(func(r *reading) { r.Int, r.IntOK = 9007199254740993, Present })},
		{"text", `"a\u0000\ud83d\ude00"`, with(func(r *reading) { r.Text, r.TextOK = "a\x00😀", Present })},
		{"a number in text", `"7"`, with(func(r *reading) { r.Text, r.TextOK = "7", Present })},
		{"false", "false", with(func(r *reading) { r.Bool = Present })},
		{"texts", ` [ "a" , "b\n" ] `, with(func(r *reading) { r.List, r.ListOK = []string{"a", "b\n"}, Present })},
		{"no texts", "[]", with(func(r *reading) { r.ListOK = Present })},
		{"an array of other things", `["a",null]`, wrong},
		{"an object", `{"a":"b"}`, wrong},
		{"null", "null", reading{IntOK: Null, TextOK: Null, Bool: Null, ListOK: Null}},
	} {
		c := verified(t, Claim{"x", json.RawMessage(tt.value)})
		var got reading
		got.Int, got.IntOK = c.Int("x")
		got.Text, got.TextOK = c.Text("x")
		_, got.Bool = c.Bool("x")
		got.List, got.ListOK = c.Strings("x")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", tt.name, tt.value, diff)
		}
		if _, state := c.Int("X"); state != Absent {
			t.Errorf("%s: X, which isn't x, is %v, want absent", tt.name, state)
		}
	}
}

func TestUnknownClaimsCanBeCopied(t *testing.T) {
	c := verified(t, Claim{"b", json.RawMessage(" {\"é\" : [ 1.50, \"\\/\" ]}")}, Claim{"a", nil})
	if diff := cmp.Diff([]string{"b", "a"}, c.Names()); diff != "" {
		t.Errorf("Names (-want +got):\n%s", diff)
	}
	const want = `{"\u00e9":[1.50,"/"]}` // as Python writes it, but for the number
	if raw, state := c.Raw("b"); string(raw) != want || state != Present {
		t.Errorf("Raw(b) = %s, %v, want %s", raw, state, want)
	}
	if raw, state := c.Raw("a"); string(raw) != "null" || state != Null {
		t.Errorf("Raw(a) = %s, %v, want null", raw, state)
	}
	if raw, state := c.Raw("c"); raw != nil || state != Absent {
		t.Errorf("Raw(c) = %s, %v, want absent", raw, state)
	}
}
