package servertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// mixed spells an address in another mixture of cases for each i.
func mixed(email string, i int) string {
	spelled := []byte(email)
	for at := range spelled {
		if i>>(at%10)&1 == 1 {
			spelled[at] = strings.ToUpper(email)[at]
		}
	}
	return string(spelled)
}

func TestOfAThousandSignUpsOfOneAddressOneWins(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		for _, path := range []string{"/v1/sign-up", "/api/user/create/"} {
			email := strings.NewReplacer("/", "").Replace(path) + "@example.com"
			answers := together(crowd, func(i int) string {
				r := s.Send(t, "POST", path, map[string]any{"email": mixed(email, i), "password": goodPassword})
				if r.Status == 201 {
					return "201"
				}
				return fmt.Sprintf("%d %s", r.Status, r.Body)
			})
			counts := map[string]int{}
			for _, a := range answers {
				counts[a]++
			}
			taken := 0
			for a, n := range counts {
				if strings.HasPrefix(a, "400 ") || strings.HasPrefix(a, "409 ") {
					taken += n
				}
			}
			if counts["201"] != 1 || taken != crowd-1 {
				t.Errorf("%s: got %v, want 201 once and %d refusals", path, counts, crowd-1)
			}
		}
		users, err := s.Accounts().List(t.Context(), 0, 10)
		if err != nil || len(users) != 2 {
			t.Errorf("there are %d users, %v, want 2", len(users), err)
		}
		s.faultless(t)
	})
}

func TestOfManyRefreshesAtOnceThereIsOneSuccessor(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		p := s.signUp(t, "ann@example.com")
		for round := range 2 {
			pairs := together(crowd/5, func(int) pair {
				fresh, code := s.refresh(t, p.Refresh)
				if code != "" {
					t.Errorf("round %d: a refresh is refused: %s", round, code)
				}
				return fresh
			})
			for _, other := range pairs {
				if other.Refresh != pairs[0].Refresh || other.Refresh == p.Refresh {
					t.Fatalf("round %d: there are two successors, or none: %q and %q", round, other.Refresh, pairs[0].Refresh)
				}
			}
			for _, other := range pairs[:5] {
				if code := s.me(t, other.Access); code != "" {
					t.Fatalf("round %d: an access token is refused: %s", round, code)
				}
			}
			p = pairs[0]
		}
		s.faultless(t)
	})
}

func TestSignInsInOneSecondGetDifferentTokens(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		s.create(t, "ann@example.com", goodPassword)
		tokens := together(64, func(int) string { return s.login(t, "ann@example.com", goodPassword) })
		seen, exps, firsts := map[string]bool{}, map[float64]bool{}, map[float64]bool{}
		for _, token := range tokens {
			claims := unverified(t, token)
			seen[token], exps[claims["exp"].(float64)], firsts[claims["orig_iat"].(float64)] = true, true, true
			if lasts := claims["exp"].(float64) - claims["orig_iat"].(float64); lasts != 900 {
				t.Errorf("a token lasts %v s, want 900", lasts)
			}
			if words := s.view(t, token); words != "" {
				t.Errorf("a token is refused: %s", words)
			}
		}
		if len(seen) != 64 || len(exps) != 64 || len(firsts) != 64 {
			t.Errorf("64 sign-ins gave %d tokens, %d ends, %d beginnings", len(seen), len(exps), len(firsts))
		}
		s.post(t, 204, "/api/user/logout/", nil, nil, "Authorization", "JWT "+tokens[7])
		for i, token := range tokens {
			if dead := s.view(t, token) != ""; dead != (i == 7) {
				t.Errorf("after token 7 signed out, token %d is dead: %v", i, dead)
			}
		}
		s.faultless(t)
	})
}

// unverified are the claims of a token, by another library.
func unverified(t testing.TB, token string) jwt.MapClaims {
	t.Helper()
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		t.Fatalf("read %q: %v", token, err)
	}
	return claims
}

func TestSigningOutEverywhereAndInAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		old := s.signUp(t, "ann@example.com")
		pairs := together(40, func(i int) pair {
			if i%2 == 0 {
				return s.signIn(t, "ann@example.com")
			}
			_ = s.Send(t, "POST", "/v1/sign-out/everywhere", nil, "Authorization", "Bearer "+s.signIn(t, "ann@example.com").Access)
			return pair{}
		})
		if code := s.me(t, old.Access); code != "session_ended" {
			t.Errorf("the token from before: got %q, want session_ended", code)
		}
		for _, p := range pairs {
			if p.Access == "" {
				continue
			}
			_, refresh := s.refresh(t, p.Refresh)
			if access := s.me(t, p.Access); access != refresh || access != "" && access != "session_ended" {
				t.Errorf("a session is alive by one token and dead by the other: access %q, refresh %q", access, refresh)
			}
		}
		last := s.signIn(t, "ann@example.com")
		s.post(t, 204, "/v1/sign-out/everywhere", nil, nil, "Authorization", "Bearer "+last.Access)
		for _, p := range append(pairs, last) {
			if code := s.me(t, p.Access); code == "" {
				t.Error("a token outlived the last sign-out")
			}
		}
		if code := s.me(t, s.signIn(t, "ann@example.com").Access); code != "" {
			t.Errorf("a new sign-in: got %q", code)
		}
		s.faultless(t)
	})
}
