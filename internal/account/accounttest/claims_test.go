package accounttest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// claimCase is a claim of a good token changed to other JSON ("": left out), and the code it gets.
// {id}, {name}, {other} and {othername} are of the token's user and of another, {now}, {exp} and
// {first} seconds, {sid} and {othersid} sessions.
type claimCase struct {
	claim, value string
	want         account.Code
}

// claimForms are the forms of tokens, and what becomes of each claim under a good signature (T2).
var claimForms = []struct {
	name   string
	policy func() *account.Policy
	cases  []claimCase
}{
	{"per user", perUser, concat(idCases(account.TokenForged, account.TokenForged, account.TokenForged), nameCases, expCases, []claimCase{
		{"exp", "", account.TokenClaims},
	}, firstCases(account.TokenEnded), timeCases)},
	{
		"per user, foreign ones taken", func() *account.Policy { return foreign(perUser()) },
		concat(idCases(account.TokenForged, account.TokenForged, account.TokenForged), nameCases, expCases, []claimCase{
			{"exp", "", ""},
		}, firstCases(""), timeCases),
	},
	{"shared", shared, concat(idCases(account.TokenClaims, account.TokenNamed, account.TokenNamed), nameCases, expCases, []claimCase{
		{"exp", "", account.TokenClaims},
	}, firstCases(account.TokenEnded), timeCases)},
	{
		"shared, foreign ones taken", func() *account.Policy { return foreign(shared()) },
		concat(idCases(account.TokenClaims, account.TokenNamed, account.TokenNamed), nameCases, expCases, []claimCase{
			{"exp", "", ""},
		}, foreignCases, timeCases),
	},
	{"named by their expiry", once, []claimCase{
		{"exp", "{exp}.5", ""},
		{"exp", "{later}", account.TokenEnded},
		{"exp", "{now}", account.TokenExpired},
		{"exp", "null", account.TokenClaims},
		{"orig_iat", "{first}", ""},
		{"otp_device_id", "null", ""},
	}},
	{"published", native, concat(idCases(account.TokenClaims, account.TokenNamed, account.TokenEnded), expCases, []claimCase{
		{"exp", "", account.TokenClaims},
		{"exp", "{later}", ""},
		{"sid", "", account.TokenClaims},
		{"sid", "null", account.TokenClaims},
		{"sid", "true", account.TokenClaims},
		{"sid", "12345678", account.TokenClaims},
		{"sid", `["{sid}"]`, account.TokenClaims},
		{"sid", `""`, account.TokenClaims},
		{"sid", `"{SID}"`, account.TokenClaims},
		{"sid", `" {sid}"`, account.TokenClaims},
		{"sid", `"+{sid}"`, account.TokenClaims},
		{"sid", `"0000000000000000"`, account.TokenClaims},
		{"sid", `"-000000000000001"`, account.TokenClaims},
		{"sid", `"ffffffffffffffff"`, account.TokenClaims},
		{"sid", `"{sid}0"`, account.TokenClaims},
		{"sid", `"7fffffffffffffff"`, account.TokenEnded},
		{"sid", `"{othersid}"`, account.TokenEnded},
		{"ep", "", account.TokenEnded},
		{"ep", "null", account.TokenEnded},
		{"ep", `"1"`, account.TokenEnded},
		{"ep", "true", account.TokenEnded},
		{"ep", "1.0", account.TokenEnded},
		{"ep", "[1]", account.TokenEnded},
		{"ep", "0", account.TokenEnded},
		{"ep", "2", account.TokenEnded},
		{"ep", "-1", account.TokenEnded},
		{"ep", "4294967297", account.TokenEnded},
		{"ep", "9223372036854775807", account.TokenEnded},
		{"ep", "99999999999999999999", account.TokenEnded},
		{"ep", "1", ""},
		{"jti", "", account.TokenForged},
		{"jti", "1", account.TokenForged},
		{"jti", `"0123456789abcdef0123456789abcdef"`, account.TokenForged},
		{"iat_ms", `"x"`, ""},
	}, timeCases)},
}

func concat(all ...[]claimCase) (cases []claimCase) {
	for _, more := range all {
		cases = append(cases, more...)
	}
	return cases
}

// idCases: what is no id, the id of nobody, and that of somebody else.
func idCases(wrong, nobody, other account.Code) []claimCase {
	cases := []claimCase{{"user_id", "{id}", ""}, {"user_id", `"{id}"`, ""}, {"user_id", "{other}", other}, {"user_id", `"{other}"`, other}}
	for _, value := range []string{
		"", "null", "true", "{id}.0", "{id}.5", "{id}e0", "[{id}]", `{"id":{id}}`, "0", "-1", "-{id}", `""`, `"0{id}"`, `"+{id}"`, `" {id}"`,
		`"{id} "`, `"{id}.0"`, `"{id}\u0000"`, `"0x1"`, `"1_0"`, `"٣"`, "99999999999999999999", `"99999999999999999999"`, "1e400", `"{name}"`,
	} {
		cases = append(cases, claimCase{"user_id", value, wrong})
	}
	for _, value := range []string{"9223372036854775807", "2147483648", `"424242"`} {
		cases = append(cases, claimCase{"user_id", value, nobody})
	}
	return cases
}

var nameCases = []claimCase{
	{"username", `"{name}"`, ""},
	{"username", `"{othername}"`, account.TokenNamed},
	{"username", `"{NAME}"`, account.TokenNamed},
	{"username", `" {name}"`, account.TokenNamed},
	{"username", `"nobody@example.com"`, account.TokenNamed},
	{"username", `"\u0000"`, account.TokenNamed},
	{"username", "", account.TokenUnnamed},
	{"username", "null", account.TokenUnnamed},
	{"username", `""`, account.TokenUnnamed},
	{"username", "true", account.TokenUnnamed},
	{"username", "{id}", account.TokenUnnamed},
	{"username", `["{name}"]`, account.TokenUnnamed},
	{"username", `{"a":"{name}"}`, account.TokenUnnamed},
}

var expCases = []claimCase{
	{"exp", "null", account.TokenClaims},
	{"exp", `"{exp}"`, account.TokenClaims},
	{"exp", "true", account.TokenClaims},
	{"exp", "[{exp}]", account.TokenClaims},
	{"exp", "{}", account.TokenClaims},
	{"exp", "99999999999999999999", account.TokenClaims},
	{"exp", "1e400", account.TokenClaims},
	{"exp", "-1e400", account.TokenClaims},
	{"exp", "{exp}.0", ""},
	{"exp", "9223372036854775807", ""},
	{"exp", "1e15", ""},
	{"exp", "0", account.TokenExpired},
	{"exp", "-1", account.TokenExpired},
	{"exp", "-9223372036854775808", account.TokenExpired},
	{"exp", "{now}", account.TokenExpired},
	{"exp", "{now}.9", account.TokenExpired},
	{"exp", "{past}", account.TokenExpired},
}

// firstCases: without the claim that names its session a token is named by its expiry, and so foreign.
func firstCases(unknown account.Code) []claimCase {
	cases := []claimCase{{"orig_iat", "{first}", ""}, {"orig_iat", "{first}.9", ""}}
	for _, value := range []string{
		"", "null", `"{first}"`, "true", "[{first}]", "{}", "0", "-1", "1", "{past}", "{later}", "-9223372036854775808", "9223372036854775807",
		"99999999999999999999", "1e400",
	} {
		cases = append(cases, claimCase{"orig_iat", value, unknown})
	}
	return cases
}

// foreignCases: without a session a shared token is judged by when it was made, as far as it tells.
// Its user signed out everywhere an hour ago.
var foreignCases = []claimCase{
	{"orig_iat", "{first}", ""},
	{"orig_iat", "{past}", ""},
	{"orig_iat", "{hour}", account.TokenEnded},
	{"orig_iat", "{hour}.9", account.TokenEnded},
	{"orig_iat", "{afterhour}", ""},
	{"orig_iat", "{later}", account.TokenEnded}, // a time to come tells nothing
	{"orig_iat", "0", account.TokenEnded},
	{"orig_iat", "1", account.TokenEnded},
	{"orig_iat", "-1", account.TokenEnded},
	{"orig_iat", "-9223372036854775808", account.TokenEnded},
	{"orig_iat", "9223372036854775807", account.TokenEnded},
	{"orig_iat", "", ""},
	{"orig_iat", "null", ""},
	{"orig_iat", `"{first}"`, ""},
	{"orig_iat", "true", ""},
	{"orig_iat", "1e400", ""},
}

var timeCases = []claimCase{
	{"nbf", "{past}", ""},
	{"nbf", "{now}", ""},
	{"nbf", "{later}", account.TokenClaims},
	{"nbf", `"{past}"`, account.TokenClaims},
	{"nbf", "null", account.TokenClaims},
	{"nbf", "1e400", account.TokenClaims},
	{"iat", `"{past}"`, account.TokenClaims},
	{"iat", "null", account.TokenClaims},
	{"iat", "true", account.TokenClaims},
	{"iat", "{past}", ""},
	{"aud", `"somebody"`, account.TokenParty},
	{"aud", `["somebody"]`, account.TokenParty},
	{"aud", "null", account.TokenParty},
	{"aud", "[]", account.TokenParty},
	{"iss", `"anybody"`, ""},
	{"unknown", `{"a":[1]}`, ""},
}

func TestClaims(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u, other := w.add(t, "ann@example.com", nil), w.add(t, "bob@example.com", nil)
	w.update(t, func(tx account.Writer) error { // so that an epoch of 0 is an older one
		_, err := tx.RaiseEpoch(ctx, u.ID, w.clock.now().Add(-time.Hour))
		if err == nil {
			_, err = tx.RaiseEpoch(ctx, other.ID, w.clock.now().Add(-time.Hour))
		}
		return err
	})
	for _, form := range claimForms {
		p := form.policy()
		p.Mount = form.name
		g, theirs := w.signIn(t, p, u.Email), w.signIn(t, p, other.Email)
		now, key := w.clock.now().Unix(), w.key(t, p, &u)
		fill := strings.NewReplacer(
			"{id}", fmt.Sprint(u.ID), "{other}", fmt.Sprint(other.ID), "{name}", u.Email, "{othername}", other.Email, "{NAME}", "ANN@example.com",
			"{now}", fmt.Sprint(now), "{past}", fmt.Sprint(now-1000), "{later}", fmt.Sprint(now+1000), "{first}", fmt.Sprint(g.Session.Mark),
			"{hour}", fmt.Sprint(now-3600), "{afterhour}", fmt.Sprint(now-3599),
			"{exp}", fmt.Sprint(g.Expires.Unix()), "{sid}", sid(&g), "{SID}", "FFFFFFFFFFFFFFFF", "{othersid}", sid(&theirs),
		)
		for _, tt := range append(form.cases, claimCase{"none", "", ""}) {
			raw := sign(t, key, with(t, g.Access, tt.claim, fill.Replace(tt.value))...)
			if got := w.judge(p, raw); got != tt.want {
				t.Errorf("%s: %s = %s: %q, want %q", form.name, tt.claim, fill.Replace(tt.value), got, tt.want)
			}
		}
	}
}

func sid(g *account.Grant) string { return fmt.Sprintf("%016x", g.Session.ID) }

// TestForeignEnds signs out what no session of ours made, with every time a token can say: it stays
// signed out as long as it could be shown.
func TestForeignEnds(t *testing.T) {
	t.Parallel()
	for _, policy := range []func() *account.Policy{perUser, shared} {
		w := open(t, spaModel())
		u := w.add(t, "ann@example.com", nil)
		p := foreign(policy())
		key := w.key(t, p, &u)
		now := w.clock.now().Unix()
		year := int64(365 * 24 * 3600)
		for _, exp := range []int64{0, now + 60, now + year, now + 100*year, 253402300799, 1 << 54, 1<<63 - 1} { // 1 << 54 s in µs overflow to a negative number
			for _, first := range []int64{0, -1, -1 << 63, 1, now, now + year, 1 << 54, 1<<63 - 1} {
				claims := []token.Claim{{Name: "user_id", Value: u.ID}, {Name: "username", Value: u.Email}}
				if exp != 0 {
					claims = append(claims, token.Claim{Name: "exp", Value: exp})
				}
				if first != 0 {
					claims = append(claims, token.Claim{Name: "orig_iat", Value: first})
				}
				raw := sign(t, key, claims...)
				name := fmt.Sprintf("%s, exp %d, orig_iat %d", p.Mount, exp, first)
				who, err := w.Authenticate(ctx, p, raw)
				if err != nil || who.Session.ID != 0 {
					t.Fatalf("%s: %v, session %v, want a foreign token", name, err, who)
				}
				if err := w.SignOut(ctx, p, who); err != nil {
					t.Fatal(err)
				}
				last := now + 90*year
				if exp != 0 {
					last = min(last, exp-1)
				}
				at := w.clock.now()
				w.clock.advance(time.Duration(last-now) * time.Second)
				if err := w.Sweep(ctx); err != nil {
					t.Fatal(err)
				}
				if got := w.judge(p, raw); got != account.TokenEnded {
					t.Errorf("%s: %q in its last second, want %q", name, got, account.TokenEnded)
				}
				w.clock.advance(at.Sub(w.clock.now()))
				w.sql(t, "delete from sessions") // the next one may be named like it
			}
		}
	}
}
