package account

import (
	"fmt"
	"math"
	"testing"

	"doorward/internal/token"
)

func TestACrowdIsMixedAsItsUsersAre(t *testing.T) {
	s := &Service{likeness: token.SecretFrom([]byte("a key of thirty-two bytes or more"))}
	all := newCrowd(map[string]int{"own": 30, "pbkdf2": 60, "bcrypt": 10, "": 50}, "own")
	s.crowd.Store(&all)
	const strangers = 20_000
	drawn := map[string]int{}
	for n := range strangers {
		login := fmt.Sprintf("stranger%d@example.com", n)
		like := s.crowd.Load().of(s.draw(login))
		drawn[like]++
		if again := s.crowd.Load().of(s.draw(fmt.Sprintf("STRANGER%d@example.com", n))); again != like {
			t.Fatalf("%s in capitals\ngot:  %q\nwant: %q", login, again, like)
		}
	}
	for like, share := range map[string]float64{"": 0.30, "pbkdf2": 0.60, "bcrypt": 0.10} {
		if got := float64(drawn[like]) / strangers; math.Abs(got-share) > 0.02 {
			t.Errorf("strangers taken for %q\ngot:  %.3f of all\nwant: %.2f", like, got, share)
		}
	}
}

// As imported users sign in, a stranger turns into one with an own hash once, and never back.
func TestAStrangerChangesOnce(t *testing.T) {
	s := &Service{likeness: token.SecretFrom([]byte("a key of thirty-two bytes or more"))}
	for n := range 1000 {
		drawn, was := s.draw(fmt.Sprint(n)), "pbkdf2"
		for left := 100; left >= 0; left-- {
			c := newCrowd(map[string]int{"own": 100 - left, "pbkdf2": left}, "own")
			is := c.of(drawn)
			if is != was && is != "" {
				t.Fatalf("stranger %d\ngot:  from %q to %q\nwant: to a hash of our own, once", n, was, is)
			}
			was = is
		}
		if was != "" {
			t.Fatalf("stranger %d is %q when nobody else is", n, was)
		}
	}
}
