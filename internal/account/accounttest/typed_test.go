package accounttest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
	"doorward/internal/token"
)

// typed is a policy whose tokens tell their kind, as serve has it.
func typed(change func(*account.Typed)) *account.Policy {
	d := &account.Typed{
		Issue: account.KindAccess, Accept: []account.Kind{account.KindAccess, account.KindSliding},
		Sliding: 5 * time.Minute, SlidingRefresh: day, ReuseEnds: true,
	}
	if change != nil {
		change(d)
	}
	return &account.Policy{
		Mount: "simplejwt", Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
		Tokens: account.Tokens{
			Signing: account.Shared, Access: 5 * time.Minute, Refresh: day, Grace: 10 * time.Second, Typed: d,
			Claims: []account.Claim{
				{Name: "token_type", Source: account.FromKind},
				{Name: "exp", Source: account.FromExpiry},
				{Name: "iat", Source: account.FromIssued},
				{Name: "jti", Source: account.FromTokenID},
				{Name: "refresh_exp", Source: account.FromRefreshExpiry},
				{Name: "user_id", Source: account.FromUserID},
			},
		},
	}
}

func rotating(d *account.Typed) { d.Rotation = account.SpendOnce }

func (w *world) exchange(p *account.Policy, raw string) (account.Grant, account.Code) {
	g, err := w.RefreshToken(ctx, p, raw)
	return g, code(err)
}

func TestTypedTokensOfASession(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := typed(nil)
	g := w.signIn(t, p, u.Email)
	w.clock.advance(time.Minute)
	next, refused := w.exchange(p, g.Refresh)
	if refused != "" || next.Refresh != "" || next.Session.ID != g.Session.ID {
		t.Fatalf("a refresh gives %q, a successor %q, session %d; want no successor, session %d", refused, next.Refresh, next.Session.ID, g.Session.ID)
	}
	ids := map[string]bool{}
	for what, raw := range map[string]string{"access": g.Access, "refresh": g.Refresh, "access again": next.Access} {
		id, _ := parsed(t, raw).Text("jti")
		if ids[id] || len(id) != 32 {
			t.Errorf("%s: the id %q is no id of its own", what, id)
		}
		ids[id] = true
	}
	if iat := claim(t, next.Access, "iat"); iat != w.clock.now().Unix() {
		t.Errorf("the access token of a refresh was issued at %d, want now, %d", iat, w.clock.now().Unix())
	}
	if who := w.who(t, p, next.Access); who.User.ID != u.ID || who.Session.ID != g.Session.ID {
		t.Errorf("the access token is of user %d, session %d", who.User.ID, who.Session.ID)
	}
	wantCode(t, "a refresh token at a route", errOf(w.Authenticate(ctx, p, g.Refresh)), account.TokenMistyped)
	wantCode(t, "an access token for a refresh", errOf(w.RefreshToken(ctx, p, g.Access)), account.TokenMistyped)
	wantCode(t, "an access token for blacklisting", w.Blacklist(ctx, p, g.Access), account.TokenMistyped)
	wantCode(t, "another session's access token", errOf(w.Authenticate(ctx, typedAt("other"), g.Access)), account.TokenEnded)
	w.clock.advance(day)
	wantCode(t, "a refresh after its life", errOf(w.RefreshToken(ctx, p, g.Refresh)), account.TokenExpired)
}

func typedAt(mount string) *account.Policy {
	p := typed(nil)
	p.Mount = mount
	return p
}

func errOf[T any](_ T, err error) error { return err }

func parsed(t testing.TB, raw string) token.Claims {
	t.Helper()
	parsed, err := token.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Claims()
}

// Whatever ends a session, or all of a user's, ends every token of it at once; what SimpleJWT's
// settings mean is kept where a policy says so.
func TestWhatEndsTypedTokens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                     string
		change                   func(*account.Policy)
		end                      func(w *world, p *account.Policy, g account.Grant) error
		access, refresh, another account.Code
	}{
		{"nothing", nil, func(*world, *account.Policy, account.Grant) error { return nil }, "", "", ""},
		{"blacklisting", nil, func(w *world, p *account.Policy, g account.Grant) error {
			return w.Blacklist(ctx, p, g.Refresh)
		}, account.TokenEnded, account.TokenEnded, ""},
		{"blacklisting, as Django has it", func(p *account.Policy) { p.Tokens.Typed.Outlive = true }, func(w *world, p *account.Policy, g account.Grant) error {
			return w.Blacklist(ctx, p, g.Refresh)
		}, "", account.TokenEnded, ""},
		{"blacklisting without the app", func(p *account.Policy) { p.Tokens.Typed.NoBlacklist = true }, func(w *world, p *account.Policy, g account.Grant) error {
			return w.Blacklist(ctx, p, g.Refresh)
		}, "", "", ""},
		{"sign-out by another dialect", nil, func(w *world, p *account.Policy, g account.Grant) error {
			who, err := w.Authenticate(ctx, p, g.Access)
			if err != nil {
				return err
			}
			return w.SignOut(ctx, p, who)
		}, account.TokenEnded, account.TokenEnded, ""},
		{"sign-out everywhere", nil, func(w *world, _ *account.Policy, g account.Grant) error {
			return w.SignOutEverywhere(ctx, g.User.ID)
		}, account.TokenEnded, account.TokenEnded, account.TokenEnded},
		{"a new password", nil, func(w *world, p *account.Policy, g account.Grant) error {
			return w.change(p, g)
		}, account.TokenEnded, "", account.TokenEnded},
		{"a new password, as Django has it", func(p *account.Policy) { p.KeepTokens = true }, func(w *world, p *account.Policy, g account.Grant) error {
			return w.change(p, g)
		}, "", "", ""},
		{"a new password that tokens tell", func(p *account.Policy) {
			p.KeepTokens = true
			p.Tokens.Claims = append(p.Tokens.Claims, account.Claim{Name: "hash_password", Source: account.FromPasswordDigest})
		}, func(w *world, p *account.Policy, g account.Grant) error {
			return w.change(p, g)
		}, account.PasswordChanged, "", account.PasswordChanged},
		{"disabling", nil, func(w *world, _ *account.Policy, g account.Grant) error {
			return w.SetActive(ctx, g.User.ID, false)
		}, account.UserDisabled, account.UserDisabled, account.UserDisabled},
		{"disabling for a moment", nil, func(w *world, _ *account.Policy, g account.Grant) error {
			if err := w.SetActive(ctx, g.User.ID, false); err != nil {
				return err
			}
			return w.SetActive(ctx, g.User.ID, true)
		}, account.TokenEnded, account.TokenEnded, account.TokenEnded},
		{"removing", nil, func(w *world, _ *account.Policy, g account.Grant) error {
			return w.Remove(ctx, g.User.ID)
		}, account.TokenNamed, account.TokenEnded, account.TokenNamed},
	} {
		w := open(t, ownModel())
		s, _ := remember(t, w)
		p := typed(nil)
		if tt.change != nil {
			tt.change(p)
		}
		u := w.add(t, "ann@example.com", nil)
		g, other := w.signIn(t, p, u.Email), w.signIn(t, p, u.Email)
		for range 2 { // so that they are remembered
			recognize(t, s, p, g.Access)
			recognize(t, s, p, other.Access)
		}
		w.Service.Close()
		w.Service = s
		if err := tt.end(w, p, g); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		wantCode(t, tt.name+": the access token", errOf(s.Recognize(ctx, p, g.Access)), tt.access)
		wantCode(t, tt.name+": the access token, from rows", errOf(s.Authenticate(ctx, p, g.Access)), tt.access)
		wantCode(t, tt.name+": another session's access token", errOf(s.Recognize(ctx, p, other.Access)), tt.another)
		if who, err := s.Authenticate(ctx, p, g.Access); (who == nil) != (err != nil) {
			t.Errorf("%s: somebody beside a refusal: %v", tt.name, err)
		}
		again, refused := w.exchange(p, g.Refresh)
		if refused != tt.refresh {
			t.Errorf("%s: a refresh: %q, want %q", tt.name, refused, tt.refresh)
		}
		if refused != "" {
			continue
		}
		want := account.Code("")
		if tt.access == account.PasswordChanged { // the new access token is dead on arrival
			want = account.PasswordChanged
		}
		wantCode(t, tt.name+": the access token of a refresh", errOf(s.Recognize(ctx, p, again.Access)), want)
	}
}

func (w *world) change(p *account.Policy, g account.Grant) error {
	who, err := w.Authenticate(ctx, p, g.Access)
	if err != nil {
		return err
	}
	return w.ChangePassword(ctx, p, who, secret, "battery staple 7")
}

func TestTypedRotation(t *testing.T) {
	t.Parallel()
	lax := func(d *account.Typed) { rotating(d); d.ReuseEnds = false }
	kept := func(d *account.Typed) { d.Rotation = account.KeepRotated }
	grace := typed(nil).Tokens.Grace
	for _, tt := range []struct {
		name      string
		change    func(*account.Typed)
		grace     time.Duration
		rotations int
		after     time.Duration
		reuse     account.Code // of the first refresh token
		newest    account.Code // of the last one, then
	}{
		{"a lost answer", rotating, grace, 1, 0, "", ""},
		{"at the end of the grace", rotating, grace, 1, grace - time.Microsecond, "", ""},
		{"after the grace", rotating, grace, 1, grace, account.TokenEnded, account.TokenEnded},
		{"the last but one", rotating, grace, 2, 0, account.TokenEnded, account.TokenEnded},
		{"as Django has it", lax, 0, 1, 0, account.TokenEnded, ""},
		{"as Django has it, much later", lax, 0, 3, time.Hour, account.TokenEnded, ""},
		{"without blacklisting", kept, 0, 3, time.Hour, "", ""},
	} {
		w := open(t, ownModel())
		p := typed(tt.change)
		p.Tokens.Grace = tt.grace
		first := w.signIn(t, p, w.add(t, "ann@example.com", nil).Email)
		last := first
		for i := range tt.rotations {
			next, refused := w.exchange(p, last.Refresh)
			if refused != "" || next.Refresh == "" || next.Refresh == last.Refresh {
				t.Fatalf("%s: rotation %d: %q, %q", tt.name, i, refused, next.Refresh)
			}
			last = next
		}
		w.clock.advance(tt.after)
		again, refused := w.exchange(p, first.Refresh)
		if refused != tt.reuse {
			t.Errorf("%s: reuse: %q, want %q", tt.name, refused, tt.reuse)
		}
		if refused == "" && tt.grace > 0 && again.Refresh != last.Refresh {
			t.Errorf("%s: another successor, want the same", tt.name)
		}
		if _, refused := w.exchange(p, last.Refresh); refused != tt.newest {
			t.Errorf("%s: the newest: %q, want %q", tt.name, refused, tt.newest)
		}
	}
}

// A session that is refreshed lives on, each time for a refresh token's life.
func TestTypedRotationMovesTheEnd(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	p := typed(rotating)
	g := w.signIn(t, p, w.add(t, "ann@example.com", nil).Email)
	for range 5 {
		w.clock.advance(day - time.Second)
		next, refused := w.exchange(p, g.Refresh)
		if refused != "" {
			t.Fatalf("a refresh in time: %q", refused)
		}
		if exp := claim(t, next.Refresh, "exp"); exp != w.clock.now().Add(day).Unix() {
			t.Errorf("the successor lives until %d, want %d", exp, w.clock.now().Add(day).Unix())
		}
		g = next
	}
	if err := w.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if _, refused := w.exchange(p, g.Refresh); refused != "" {
		t.Errorf("after a sweep: %q", refused)
	}
}

func TestOfManyTypedRefreshesAtOnceThereIsOneSuccessor(t *testing.T) {
	t.Parallel()
	const crowd = 200
	for _, tt := range []struct {
		name    string
		grace   time.Duration
		answers int // of 200
	}{{"with grace", 10 * time.Second, crowd}, {"without", 0, 1}} {
		w := open(t, ownModel())
		p := typed(rotating)
		p.Tokens.Typed.ReuseEnds, p.Tokens.Grace = false, tt.grace
		g := w.signIn(t, p, w.add(t, "ann@example.com", nil).Email)
		var mu sync.Mutex
		var all sync.WaitGroup
		successors := map[string]int{}
		for range crowd {
			all.Go(func() {
				next, refused := w.exchange(p, g.Refresh)
				mu.Lock()
				defer mu.Unlock()
				if refused == "" {
					successors[next.Refresh]++
				} else if refused != account.TokenEnded {
					t.Errorf("%s: refused with %q", tt.name, refused)
				}
			})
		}
		all.Wait()
		if len(successors) != 1 {
			t.Fatalf("%s: %d successors, want 1", tt.name, len(successors))
		}
		for next, n := range successors {
			if n != tt.answers {
				t.Errorf("%s: %d of %d were answered, want %d", tt.name, n, crowd, tt.answers)
			}
			if _, refused := w.exchange(p, next); refused != "" {
				t.Errorf("%s: the successor: %q", tt.name, refused)
			}
		}
		if got := w.session(t, g.Session.ID).Generation; got != 2 {
			t.Errorf("%s: generation %d, want 2", tt.name, got)
		}
	}
}

// Of many who blacklist one token, one does it; a refresh beside them comes before or not at all.
func TestBlacklistingRaces(t *testing.T) {
	t.Parallel()
	const crowd = 40
	for name, raw := range map[string]func(w *world, p *account.Policy) string{
		"our own":   func(w *world, p *account.Policy) string { return w.signIn(t, p, "ann@example.com").Refresh },
		"another's": func(w *world, p *account.Policy) string { return w.strange(t, 1, "refresh", "", "") },
	} {
		w := open(t, ownModel())
		w.add(t, "ann@example.com", nil)
		p := foreign(typed(rotating))
		p.Tokens.Typed.ReuseEnds, p.Tokens.Grace = false, 0
		refresh := raw(w, p)
		var mu sync.Mutex
		var all sync.WaitGroup
		blacklisted, refreshed := 0, ""
		for i := range crowd {
			all.Go(func() {
				var err error
				var g account.Grant
				if i%8 == 0 {
					g, err = w.RefreshToken(ctx, p, refresh)
				} else {
					err = w.Blacklist(ctx, p, refresh)
				}
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					wantCode(t, name, err, account.TokenEnded)
				case g.Refresh != "":
					if refreshed != "" {
						t.Errorf("%s: two successors", name)
					}
					refreshed = g.Refresh
				default:
					blacklisted++
				}
			})
		}
		all.Wait()
		if refreshed == "" && blacklisted != 1 || refreshed != "" && blacklisted > 0 {
			t.Errorf("%s: blacklisted %d times, with a successor: %v; want one of the two, once", name, blacklisted, refreshed != "")
		}
		if _, refused := w.exchange(p, refresh); refused != account.TokenEnded {
			t.Errorf("%s: the token, then: %q, want %q", name, refused, account.TokenEnded)
		}
	}
}

// strange is a token that a Django beside us signed, one claim of it changed to other JSON.
func (w *world) strange(t testing.TB, user int64, kind, name, value string) string {
	t.Helper()
	now := w.clock.now().Unix()
	claims := []token.Claim{
		{Name: "token_type", Value: kind},
		{Name: "exp", Value: now + 3600},
		{Name: "iat", Value: now},
		{Name: "jti", Value: "55555555555555555555555555555555"},
		{Name: "refresh_exp", Value: now + 3600},
		{Name: "user_id", Value: user},
	}
	claims = slices.DeleteFunc(claims, func(c token.Claim) bool { return c.Name == name })
	if value != "" {
		claims = append(claims, token.Claim{Name: name, Value: json.RawMessage(value)})
	}
	return sign(t, token.HMACKey(token.HS256, "", sharedKey), claims...)
}

func TestTypedTokensOfOthers(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	own, p := typed(rotating), foreign(typed(rotating))
	p.Tokens.Typed.ReuseEnds, p.Tokens.Grace = false, 0
	access, refresh := w.strange(t, u.ID, "access", "", ""), w.strange(t, u.ID, "refresh", "role", `"editor"`)
	wantCode(t, "by default, an access token", errOf(w.Authenticate(ctx, own, access)), account.TokenEnded)
	wantCode(t, "by default, a refresh token", errOf(w.RefreshToken(ctx, own, refresh)), account.TokenEnded)
	wantCode(t, "by default, blacklisting", w.Blacklist(ctx, own, refresh), account.TokenEnded)
	wantCode(t, "by default, verify", w.VerifyToken(ctx, own, access), account.TokenEnded)
	if n := w.count(t, "select count(*) from sessions"); n != 0 {
		t.Fatalf("they left %d sessions, want none", n)
	}
	if who := w.who(t, p, access); who.User.ID != u.ID || who.Session.ID != 0 {
		t.Errorf("an access token is of user %d, session %d; want %d, none", who.User.ID, who.Session.ID, u.ID)
	}
	g, refused := w.exchange(p, refresh)
	if refused != "" || g.Session.ID == 0 {
		t.Fatalf("a refresh token: %q, session %d", refused, g.Session.ID)
	}
	if role, _ := parsed(t, g.Access).Text("role"); role != "editor" {
		t.Errorf("the access token's role is %q, want editor", role)
	}
	if _, refused := w.exchange(p, refresh); refused != account.TokenEnded {
		t.Errorf("the refresh token again: %q, want %q", refused, account.TokenEnded)
	}
	next, refused := w.exchange(p, g.Refresh)
	if refused != "" || next.Session.ID != g.Session.ID {
		t.Errorf("its successor: %q, session %d, want %d", refused, next.Session.ID, g.Session.ID)
	}
	w.clock.advance(time.Second)
	if err := w.SignOutEverywhere(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"an access token":            errOf(w.Authenticate(ctx, p, access)),
		"a refresh token never seen": errOf(w.RefreshToken(ctx, p, w.strange(t, u.ID, "refresh", "jti", `"66666666666666666666666666666666"`))),
		"a successor":                errOf(w.RefreshToken(ctx, p, next.Refresh)),
		"one without its time":       errOf(w.Authenticate(ctx, p, w.strange(t, u.ID, "access", "iat", ""))),
	} {
		wantCode(t, "after sign-out everywhere: "+what, err, account.TokenEnded)
	}
	w.clock.advance(2 * time.Second)
	w.who(t, p, w.strange(t, u.ID, "access", "jti", `"88888888888888888888888888888888"`)) // signed after it
}

// A spent token of another program is known for as long as it lives, whatever is swept.
func TestASpentForeignTokenStaysSpent(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := foreign(typed(rotating))
	p.Tokens.Typed.ReuseEnds, p.Tokens.Grace = false, 0
	year := fmt.Sprint(w.clock.now().AddDate(1, 0, 0).Unix())
	spent, listed := w.strange(t, u.ID, "refresh", "exp", year), ""
	if _, refused := w.exchange(p, spent); refused != "" {
		t.Fatal(refused)
	}
	listed = sign(t, token.HMACKey(token.HS256, "", sharedKey), with(t, spent, "jti", `"77777777777777777777777777777777"`)...)
	if err := w.Blacklist(ctx, p, listed); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(300 * day)
	if err := w.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	for what, raw := range map[string]string{"spent": spent, "blacklisted": listed} {
		if _, refused := w.exchange(p, raw); refused != account.TokenEnded {
			t.Errorf("%s, 300 days later: %q, want %q", what, refused, account.TokenEnded)
		}
	}
	w.clock.advance(100 * day)
	if err := w.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, "select count(*) from sessions"); n != 0 {
		t.Errorf("when both have expired there are %d sessions, want none", n)
	}
}

// Claims that are missing, of another type, huge or negative, under a good signature.
func TestTypedClaims(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	off := w.add(t, "off@example.com", func(u *account.User) { u.IsActive = false })
	p := foreign(typed(nil))
	p.Tokens.Validity = token.Validity{Issuer: "us", Audience: []string{"front"}}
	now := w.clock.now().Unix()
	const huge, long = "99999999999999999999", `"` // a number beyond 64 bits
	at := func(d int64) string { return fmt.Sprint(now + d) }
	all := func(c account.Code) [3]account.Code { return [3]account.Code{c, c, c} }
	tests := []struct {
		claim, value string
		want         [3]account.Code // of an access, a refresh and a sliding token
	}{
		{"none", "", all("")},
		{"exp", "", all(account.TokenUntimed)},
		{"exp", "null", all(account.TokenClaims)},
		{"exp", `"soon"`, all(account.TokenClaims)},
		{"exp", `"` + at(60) + `"`, all(account.TokenClaims)},
		{"exp", "true", all(account.TokenClaims)},
		{"exp", "{}", all(account.TokenClaims)},
		{"exp", "-1", all(account.TokenExpired)},
		{"exp", "0", all(account.TokenExpired)},
		{"exp", at(0), all(account.TokenExpired)},
		{"exp", at(1), all("")},
		{"exp", at(1) + ".9", all("")},
		{"exp", huge, all(account.TokenClaims)},
		{"exp", "1e300", all(account.TokenClaims)},
		{"exp", "9223372036854775807", all("")},
		{"iat", at(1), all(account.TokenClaims)},
		{"iat", `"x"`, all(account.TokenClaims)},
		{"iat", "", all("")},
		{"iat", "-5", all("")},
		{"nbf", at(1), all(account.TokenClaims)},
		{"nbf", at(0), all("")},
		{"nbf", "null", all(account.TokenClaims)},
		{"jti", "", all(account.TokenUnidentified)},
		{"jti", "null", all(account.TokenClaims)},
		{"jti", "5", all(account.TokenClaims)},
		{"jti", `""`, all(account.TokenClaims)},
		{"jti", "[]", all(account.TokenClaims)},
		{"jti", long + strings.Repeat("x", 1000) + long, all("")},
		{"token_type", "", all(account.TokenUntyped)},
		{"token_type", "null", all(account.TokenMistyped)},
		{"token_type", `"Access"`, all(account.TokenMistyped)},
		{"token_type", `["access"]`, all(account.TokenMistyped)},
		{"token_type", `""`, all(account.TokenMistyped)},
		{"user_id", "", [3]account.Code{account.TokenUnowned, "", account.TokenUnowned}},
		{"user_id", "null", all(account.TokenNamed)},
		{"user_id", "0", all(account.TokenNamed)},
		{"user_id", "-1", all(account.TokenNamed)},
		{"user_id", "1.0", all(account.TokenNamed)},
		{"user_id", "true", all(account.TokenNamed)},
		{"user_id", "[1]", all(account.TokenNamed)},
		{"user_id", huge, all(account.TokenNamed)},
		{"user_id", "9223372036854775807", all(account.TokenNamed)},
		{"user_id", `"1 "`, all(account.TokenNamed)},
		{"user_id", `"01"`, all(account.TokenNamed)},
		{"user_id", `""`, all(account.TokenNamed)},
		{"user_id", fmt.Sprintf(`"%d"`, u.ID), all("")},
		{"user_id", fmt.Sprint(off.ID), all(account.UserDisabled)},
		{"aud", "", all(account.TokenParty)},
		{"aud", `"back"`, all(account.TokenParty)},
		{"aud", `["back", "front"]`, all("")},
		{"aud", `["front", 1]`, all(account.TokenParty)},
		{"aud", "5", all(account.TokenParty)},
		{"iss", "", all(account.TokenParty)},
		{"iss", `"them"`, all(account.TokenParty)},
		{"iss", `["us"]`, all(account.TokenParty)},
		{"refresh_exp", "", [3]account.Code{"", "", account.NotRefreshable}},
		{"refresh_exp", `"x"`, [3]account.Code{"", "", account.TokenClaims}},
		{"refresh_exp", "-1", [3]account.Code{"", "", account.RefreshExpired}},
		{"refresh_exp", at(0), [3]account.Code{"", "", account.RefreshExpired}},
		{"role", long + strings.Repeat("x", 900) + long, all("")},
		{"role", long + strings.Repeat("x", 1100) + long, [3]account.Code{"", account.TokenClaims, ""}},
	}
	for i, tt := range tests {
		for k, kind := range []string{"access", "refresh", "sliding"} {
			base := w.strange(t, u.ID, kind, "jti", fmt.Sprintf(`"%d %s"`, i, kind))
			claims := append(with(t, base, "", ""), token.Claim{Name: "aud", Value: "front"}, token.Claim{Name: "iss", Value: "us"})
			claims = slices.DeleteFunc(claims, func(c token.Claim) bool { return c.Name == tt.claim })
			if tt.value != "" {
				claims = append(claims, token.Claim{Name: tt.claim, Value: json.RawMessage(tt.value)})
			}
			raw := sign(t, token.HMACKey(token.HS256, "", sharedKey), claims...)
			var err error
			switch kind {
			case "access":
				err = errOf(w.Authenticate(ctx, p, raw))
			case "refresh":
				err = errOf(w.RefreshToken(ctx, p, raw))
			case "sliding":
				err = errOf(w.SlideToken(ctx, p, raw))
			}
			wantCode(t, fmt.Sprintf("%s token with %s %.30s", kind, tt.claim, tt.value), err, tt.want[k])
		}
	}
}

func TestSlidingTokens(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := typed(func(d *account.Typed) { d.Issue = account.KindSliding })
	g := w.signIn(t, p, u.Email)
	if g.Refresh != "" {
		t.Errorf("a sliding sign-in gives a refresh token too")
	}
	raw := g.Access
	if again, err := w.SlideToken(ctx, p, raw); err != nil || again != raw {
		t.Errorf("at once: %v, another token: %v; want the same", err, again != raw)
	}
	for range 3 {
		w.clock.advance(4 * time.Minute)
		next, err := w.SlideToken(ctx, p, raw)
		if err != nil || next == raw {
			t.Fatalf("exchange: %v, the same token: %v", err, next == raw)
		}
		for claim, same := range map[string]bool{"jti": true, "refresh_exp": true, "exp": false, "iat": false} {
			before, _ := parsed(t, raw).Raw(claim)
			after, _ := parsed(t, next).Raw(claim)
			if (string(before) == string(after)) != same {
				t.Errorf("%s: %s, then %s; want the same: %v", claim, before, after, same)
			}
		}
		raw = next
		w.who(t, p, raw)
	}
	who := w.who(t, p, raw)
	if err := w.SignOut(ctx, p, who); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "after sign-out, exchange", errOf(w.SlideToken(ctx, p, raw)), account.TokenEnded)
	wantCode(t, "after sign-out, the first token", errOf(w.Authenticate(ctx, p, raw)), account.TokenEnded)
	end := w.signIn(t, p, u.Email).Access
	for range 400 {
		w.clock.advance(4 * time.Minute)
		next, err := w.SlideToken(ctx, p, end)
		if err != nil {
			wantCode(t, "at the end of all", err, account.RefreshExpired)
			return
		}
		end = next
	}
	t.Error("a sliding token slides beyond its refresh period")
}

func TestVerifyToken(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	off := w.add(t, "off@example.com", func(u *account.User) { u.IsActive = false })
	p := typed(rotating)
	blind := foreign(typed(rotating))
	blind.Tokens.Typed.Blind, blind.Tokens.Typed.Outlive = true, true
	g := w.signIn(t, p, u.Email)
	next, _ := w.exchange(p, g.Refresh)
	ended := w.signIn(t, p, u.Email)
	if err := w.Blacklist(ctx, p, ended.Refresh); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, raw        string
		want, asRecorded account.Code
	}{
		{"an access token", g.Access, "", ""},
		{"a refresh token", next.Refresh, "", ""},
		{"a spent one", g.Refresh, account.TokenEnded, account.TokenEnded},
		{"an ended session's refresh token", ended.Refresh, account.TokenEnded, account.TokenEnded},
		{"an ended session's access token", ended.Access, account.TokenEnded, ""},
		{"of a disabled user", w.strange(t, off.ID, "access", "", ""), account.UserDisabled, ""},
		{"of nobody", w.strange(t, 99, "access", "", ""), account.TokenNamed, ""},
		{"of any kind", w.strange(t, u.ID, "whatever", "", ""), account.TokenEnded, ""},
		{"of no kind", w.strange(t, u.ID, "", "token_type", ""), account.TokenEnded, ""},
		{"junk", "x", account.TokenMalformed, account.TokenMalformed},
	} {
		wantCode(t, tt.name, w.VerifyToken(ctx, p, tt.raw), tt.want)
		wantCode(t, tt.name+", as recorded", w.VerifyToken(ctx, blind, tt.raw), tt.asRecorded)
	}
}

func TestWhatTypedTokensCost(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	s, cost := remember(t, w)
	p := typed(rotating)
	w.add(t, "ann@example.com", nil)
	g := w.signIn(t, p, "ann@example.com")
	for range 2 {
		cost(func() { recognize(t, s, p, g.Access) })
	}
	for _, tt := range []struct {
		name string
		do   func()
		want []string
	}{
		{"a warm access token", func() { recognize(t, s, p, g.Access) }, nil},
		{"a rotation", func() {
			if _, err := s.RefreshToken(ctx, p, g.Refresh); err != nil {
				t.Error(err)
			}
		}, []string{"SessionUser", "Rotate"}},
		{"a forged one", func() { _, _ = s.RefreshToken(ctx, p, g.Refresh+"x") }, nil},
		{"one of another kind", func() { _, _ = s.RefreshToken(ctx, p, g.Access) }, nil},
	} {
		if got := cost(tt.do); !slices.Equal(got, tt.want) {
			t.Errorf("%s costs %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAnIDAsText(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	p := typed(func(d *account.Typed) { d.TextID = true })
	u := w.add(t, "ann@example.com", nil)
	g := w.signIn(t, p, u.Email)
	next, refused := w.exchange(p, g.Refresh)
	for _, raw := range []string{g.Access, g.Refresh, next.Access} {
		if id, _ := parsed(t, raw).Text("user_id"); id != fmt.Sprint(u.ID) {
			t.Errorf("the id is %q, want %q (%s)", id, fmt.Sprint(u.ID), refused)
		}
	}
	w.who(t, p, next.Access)
	w.who(t, typed(nil), next.Access) // a mount that writes numbers reads it too
}

// Tokens may name their user by what he signs in with, and die with that name.
func TestTokensThatNameTheirUserByName(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	s, _ := remember(t, w)
	p := typed(func(d *account.Typed) { d.Owner = account.Username })
	u := w.add(t, "ann@example.com", func(u *account.User) { u.Username = "ann" })
	g := w.signIn(t, p, u.Email)
	if name, _ := parsed(t, g.Access).Text("user_id"); name != "ann" {
		t.Errorf("the token names %q, want ann", name)
	}
	recognize(t, s, p, g.Access)
	recognize(t, s, p, g.Access)
	if _, err := s.Update(ctx, w.who(t, p, g.Access), map[account.Field]string{account.Username: "anna"}); err != nil {
		t.Fatal(err)
	}
	w.add(t, "bob@example.com", func(u *account.User) { u.Username = "ann" })
	wantCode(t, "the old name is another's", errOf(s.Recognize(ctx, p, g.Access)), account.TokenEnded)
	wantCode(t, "a refresh under the old name", errOf(s.RefreshToken(ctx, p, g.Refresh)), account.TokenNamed)
}

func TestExtraClaims(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	wide := strings.Repeat("ä", 140)
	u := w.add(t, "ann@example.com", func(u *account.User) { u.FirstName, u.LastName, u.IsStaff = "Ann", wide, true })
	p := typed(nil)
	p.Tokens.Claims = append(p.Tokens.Claims,
		account.Claim{Name: "app", Source: account.FromSetting, Value: "front", Extra: true},
		account.Claim{Name: "first", Source: account.FromField, Field: account.FirstName, Extra: true},
		account.Claim{Name: "staff", Source: account.FromField, Field: account.IsStaff, Extra: true},
		account.Claim{Name: "wide", Source: account.FromField, Field: account.LastName, Extra: true},
		account.Claim{Name: "again", Source: account.FromField, Field: account.LastName, Extra: true},
	)
	g := w.signIn(t, p, u.Email)
	for _, raw := range []string{g.Access, g.Refresh} {
		c := parsed(t, raw)
		app, _ := c.Text("app")
		staff, _ := c.Bool("staff")
		if app != "front" || !staff {
			t.Errorf("app %q, staff %v; want front, true", app, staff)
		}
		if got, _ := c.Text("wide"); got != wide {
			t.Errorf("wide is %d bytes long, want %d", len(got), len(wide))
		}
		if _, state := c.Text("again"); state != token.Absent {
			t.Errorf("what is too long stands in the token: %v", state)
		}
	}
	p.Tokens.Typed.Deflate = true
	c := parsed(t, w.signIn(t, p, u.Email).Access)
	packed, _ := c.Text("deflated")
	if got := inflated(t, packed); got["again"] != wide || got["app"] != "front" || got["staff"] != true || len(got) != 5 {
		t.Errorf("deflated: %v", got)
	}
	if _, state := c.Text("app"); state != token.Absent {
		t.Error("an extra claim stands beside the deflated ones")
	}
}

func inflated(t testing.TB, packed string) (object map[string]any) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw)))
	if err == nil {
		err = json.Unmarshal(text, &object)
	}
	if err != nil {
		t.Fatal(err)
	}
	return object
}
