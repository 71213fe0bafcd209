package servertest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
	"doorward/internal/store"
)

const (
	timedMore  = 200  // requests of each kind at a time
	timedMost  = 2000 // of each kind
	timedUsers = 60   // accounts of each kind
	timedP     = 0.001
	timedTests = 3 * 10 // of each of ten pairs
	// timedLeast is a difference that nobody can use over a network.
	timedLeast = 500 * time.Microsecond
)

// timed is one kind of account: what to sign in as, and the times that answers took.
type timed struct {
	name  string
	login func(n int) string
	asked int
	late  time.Duration // added to each, to see that the statistics see it
	took  []float64     // seconds
}

// TestTheClockDoesNotTellAccounts is G1 at a cheap cost: one request at a time, in random order,
// wrong passwords of accounts that exist, that are imported in part, that are disabled, that have no
// password, and of none at all. In the same run a kind that is a millisecond late must be found.
func TestTheClockDoesNotTellAccounts(t *testing.T) {
	s := Start(t, "sqlite", nil)
	s.populate(t)
	s.compare(t, addresses(), func(login string) {
		s.post(t, 401, "/v1/sign-in", map[string]any{"email": login, "password": "a wrong password"}, nil)
	})
}

// TestTheClockDoesNotTellAddresses is G1 of the routes that mail a link, in serve's own mode with a mail
// server beside it: who is mailed one and who is not, whatever the reason, waits as long.
func TestTheClockDoesNotTellAddresses(t *testing.T) {
	for _, path := range mailingPaths {
		t.Run(path, func(t *testing.T) {
			s := startMailing(t, "sqlite")
			s.compare(t, addresses(), func(address string) {
				s.post(t, 204, path, map[string]any{"email": address}, nil)
			})
		})
	}
}

// addresses are of accounts that exist, that are disabled, that have no password, and of none at all. The
// last kind must be last.
func addresses() []*timed {
	known := func(name string) func(int) string {
		return func(n int) string { return fmt.Sprintf("%s%d@example.com", name, n%timedUsers) }
	}
	return []*timed{
		{name: "existing", login: known("known")},
		{name: "disabled", login: known("disabled")},
		{name: "no password", login: known("nopassword")},
		{name: "missing", login: func(n int) string { return fmt.Sprintf("missing%d@example.com", n) }},
		{name: "late", login: func(n int) string { return fmt.Sprintf("absent%d@example.com", n) }, late: time.Millisecond},
	}
}

// compare asks for each kind in random order until the statistics find the one that is late, and holds
// that they find no other.
func (s *Server) compare(t *testing.T, kinds []*timed, ask func(login string)) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	measure(rng, kinds, timedMore, ask) // a warm-up
	for _, k := range kinds {
		k.took = nil
	}
	for found := false; !found && len(kinds[0].took) < timedMost; {
		measure(rng, kinds, timedMore, ask)
		found = true
		for _, k := range kinds[:len(kinds)-1] {
			found = found && toldApart(tellApart(rng, k.took, kinds[len(kinds)-1].took))
		}
	}
	for i, a := range kinds {
		for _, b := range kinds[i+1:] {
			p, difference := tellApart(rng, a.took, b.took)
			report := t.Logf
			if control := a.late+b.late > 0; toldApart(p, difference) != control {
				report = t.Errorf
			}
			report("%s and %s, %d each: p %.2g, difference %.0f µs, told apart: %v", a.name, b.name, len(a.took), p, difference*1e6, toldApart(p, difference))
		}
	}
}

// measure asks for each kind, so many times.
func measure(rng *rand.Rand, kinds []*timed, times int, ask func(login string)) {
	for range times {
		for _, i := range rng.Perm(len(kinds)) {
			k := kinds[i]
			k.asked++
			start := time.Now()
			ask(k.login(k.asked))
			k.took = append(k.took, (time.Since(start) + k.late).Seconds())
		}
	}
}

// populate makes half of the users imported ones, whose hashes cost other work than our own.
func (s *Server) populate(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	foreign, err := password.Encode(password.KindPBKDF2SHA256, goodPassword, "salt", password.Cost{Rounds: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	own := password.Hash(goodPassword, password.Params{MemoryKiB: uint32(s.Config.Password.MemoryKiB), Time: uint32(s.Config.Password.Time), Threads: 1})
	db, err := store.Open(ctx, store.Options{URL: s.Config.DatabaseURL, Model: account.OwnModel(account.Email, account.Folded)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(ctx, func(w account.Writer) error {
		for _, kind := range []string{"known", "disabled", "nopassword"} {
			for n := range timedUsers {
				u := account.User{Email: fmt.Sprintf("%s%d@example.com", kind, n), Password: own, IsActive: kind != "disabled", DateJoined: time.Now()}
				if n%2 == 0 {
					u.Password = foreign
				}
				if kind == "nopassword" {
					u.Password = password.Unusable()
				}
				u.JWTSecret = account.NewJWTSecret()
				if _, err := w.InsertUser(ctx, &u); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Accounts().LearnCrowd(ctx); err != nil {
		t.Fatal(err)
	}
}

func toldApart(p, difference float64) bool { return p < timedP && difference > timedLeast.Seconds() }

// tellApart is the least p of three tests, times the number of all (Bonferroni), and the largest
// difference they saw, in seconds: ranks (Mann and Whitney, by the normal approximation), and the
// difference of the 10th and of the 90th percentile (by permutation).
func tellApart(rng *rand.Rand, a, b []float64) (p, difference float64) {
	p, difference = mannWhitney(a, b), math.Abs(quantile(a, 0.5)-quantile(b, 0.5))
	for _, q := range []float64{0.1, 0.9} {
		if toldApart(timedTests*p, difference) {
			break // the others change nothing
		}
		pq, dq := permuted(rng, a, b, q)
		p, difference = min(p, pq), max(difference, dq)
	}
	return min(1, timedTests*p), difference
}

func quantile(times []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[int(q*float64(len(sorted)-1))]
}

func mannWhitney(a, b []float64) float64 {
	type one struct {
		took  float64
		first bool
	}
	var all []one
	for _, v := range a {
		all = append(all, one{v, true})
	}
	for _, v := range b {
		all = append(all, one{v, false})
	}
	slices.SortFunc(all, func(x, y one) int { return cmp.Compare(x.took, y.took) })
	ranks := 0.0
	for i, o := range all {
		if o.first {
			ranks += float64(i + 1)
		}
	}
	n, m := float64(len(a)), float64(len(b))
	z := (ranks - n*(n+m+1)/2) / math.Sqrt(n*m*(n+m+1)/12)
	return math.Erfc(math.Abs(z) / math.Sqrt2)
}

// permuted says how often a difference as large comes about by chance. It looks closer where it is rare.
func permuted(rng *rand.Rand, a, b []float64, q float64) (p, difference float64) {
	difference = math.Abs(quantile(a, q) - quantile(b, q))
	if difference < timedLeast.Seconds() {
		return 1, difference
	}
	all := slices.Concat(a, b)
	as, tries := 1, 1
	for ; tries < 2*timedTests/timedP && (tries < 1000 || as < 5); tries++ {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if math.Abs(quantile(all[:len(a)], q)-quantile(all[len(a):], q)) >= difference {
			as++
		}
	}
	return float64(as) / float64(tries), difference
}
