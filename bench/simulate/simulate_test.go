//go:build linux

package main

import (
	"bytes"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// village is a load of so few people that all of them can be played.
func village(classes []class) *load {
	l := assumed(classes)
	l.users = 100_000
	return l
}

// TestFormulaAndPlayAgree holds the formula against a play of every request of 100,000 people.
func TestFormulaAndPlayAgree(t *testing.T) {
	for _, tt := range []struct {
		name    string
		pattern int
		memory  memory
		balance balance
	}{
		{"one node, nearly all fits", 0, memory{3000, 20_000}, balance{1, true}},
		{"one node, tokens short", 0, memory{60, 4000}, balance{1, true}},
		{"one node, users short", 0, memory{2000, 300}, balance{1, true}},
		{"Zipf 1.0, users short", 3, memory{2000, 2000}, balance{1, true}},
		{"Zipf 0.6, users short", 1, memory{2000, 8000}, balance{1, true}},
		{"four nodes, any of them", 0, memory{300, 1000}, balance{4, false}},
		{"four nodes, one for a user", 0, memory{300, 1000}, balance{4, true}},
		{"Zipf 1.2, four nodes, any of them", 4, memory{300, 1000}, balance{4, false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := village(patterns(100_000)[tt.pattern].classes)
			want := remember(l, tt.memory, tt.balance, busiest)
			s := newStreet(l, tt.memory, tt.balance, 1)
			peak := func(float64) float64 { return busiest }
			s.play(day.Seconds()/2, peak) // warm
			got := s.play(day.Seconds()/8, peak)
			for _, figure := range []struct {
				name      string
				got, want float64
			}{
				{"requests by the formula", got.requests / want.requests, 1},
				{"hits", got.hit(), want.hit()},
				{"token misses", got.tokenMisses / got.requests, want.tokenMisses / want.requests},
				{"user misses", got.userMisses / got.requests, want.userMisses / want.requests},
			} {
				if math.Abs(figure.got-figure.want) > 0.015 {
					t.Errorf("%s\n got: %.4f\nwant: %.4f", figure.name, figure.got, figure.want)
				}
			}
		})
	}
}

// forgetful is a memory as internal/account has it: shards of Go's maps, in which the first entry
// that a range gives is forgotten. There are few shards, so that each is nearly as large as a real one.
type forgetful struct {
	shards [4]map[uint64]bool
	most   int
}

func (f *forgetful) ask(key uint64) bool {
	shard := &f.shards[newChance(key).next()%uint64(len(f.shards))]
	if *shard == nil {
		*shard = map[uint64]bool{}
	}
	if (*shard)[key] {
		return true
	}
	for other := range *shard {
		if len(*shard) < f.most {
			break
		}
		delete(*shard, other)
	}
	(*shard)[key] = true
	return false
}

// TestAMapForgetsAsSlotsDo plays the same visits with the real way of forgetting.
func TestAMapForgetsAsSlotsDo(t *testing.T) {
	l := village(patterns(100_000)[0].classes)
	peak := func(float64) float64 { return busiest }
	play := func(tokens, users remembered) outcome {
		s := newStreet(l, memory{1, 1}, balance{1, true}, 1)
		s.tokens[0], s.users[0] = tokens, users
		s.play(day.Seconds()/2, peak)
		return s.play(day.Seconds()/4, peak)
	}
	const tokens, users = 1536, 3072
	dice := newChance(1)
	want := play(newSlots(tokens, dice), newSlots(users, dice))
	got := play(&forgetful{most: tokens / 4}, &forgetful{most: users / 4})
	for _, figure := range []struct {
		name      string
		got, want float64
	}{
		{"token misses", got.tokenMisses / got.requests, want.tokenMisses / want.requests},
		{"user misses", got.userMisses / got.requests, want.userMisses / want.requests},
	} {
		if math.Abs(figure.got-figure.want) > 0.04 {
			t.Errorf("%s\n got: %.4f\nwant: %.4f", figure.name, figure.got, figure.want)
		}
	}
}

func TestZipfSharesEveryVisitOnce(t *testing.T) {
	for _, exponent := range []float64{0.6, 0.8, 1, 1.2} {
		classes := zipf(1e8, 800, exponent)
		var users, sum float64
		for _, c := range classes {
			users += c.users
			sum += c.users * c.visits
		}
		if users != 1e8 || math.Abs(sum-800) > 1e-6 {
			t.Errorf("exponent %v\n got: %v users, %v visits a second\nwant: 1e8, 800", exponent, users, sum)
		}
		if ratio := classes[0].visits / classes[1].visits; math.Abs(ratio-math.Pow(2, exponent)) > 1e-9 {
			t.Errorf("exponent %v\n got: the first comes %v times as often as the second\nwant: %v", exponent, ratio, math.Pow(2, exponent))
		}
	}
}

func TestADayHasItsMean(t *testing.T) {
	var sum, most float64
	for second := range 86400 {
		sum += moment(float64(second))
		most = max(most, moment(float64(second)))
	}
	if math.Abs(sum/86400-1) > 1e-9 || math.Abs(most-busiest) > 1e-6 {
		t.Errorf("got: mean %v, top %v\nwant: 1, %v", sum/86400, most, busiest)
	}
}

// TestTheFirstUseOfATokenReads holds that a memory without end still reads each token's rows at
// each node that it comes to.
func TestTheFirstUseOfATokenReads(t *testing.T) {
	l := village([]class{{100_000, 1e-3}})
	for _, tt := range []struct {
		balance balance
		want    float64 // token misses a visit, of 10 requests with 2 tokens
	}{
		{balance{1, false}, 2},
		{balance{10, true}, 2},
		{balance{10, false}, 2 * 10 * (1 - math.Pow(0.9, 5))},
	} {
		o := remember(l, memory{1e12, 1e12}, tt.balance, 1)
		if got := o.tokenMisses / visits(l.classes); math.Abs(got-tt.want) > 0.001 {
			t.Errorf("%+v\n got: %.3f token misses a visit\nwant: %.3f", tt.balance, got, tt.want)
		}
	}
}

func TestTheSameSeedTellsTheSame(t *testing.T) {
	play := func(seed uint64) outcome {
		return newStreet(village(patterns(1000)[0].classes), memory{50, 50}, balance{3, false}, seed).play(day.Seconds(), moment)
	}
	if a, b := play(1), play(1); a != b {
		t.Errorf("got: %+v\nwant: %+v", b, a)
	}
	if a, b := play(1), play(2); a == b {
		t.Errorf("got: %+v of both seeds\nwant: two", a)
	}
}

// TestLivesAreThoseOfV1 holds the lives of tokens and sessions to what the server says.
func TestLivesAreThoseOfV1(t *testing.T) {
	text, err := os.ReadFile("../../internal/server/presets.go")
	if err != nil {
		t.Fatal(err)
	}
	_, v1, _ := strings.Cut(string(text), `"v1": {`)
	for _, want := range []string{"Access: 5 * time.Minute", "Refresh: 90 * day"} {
		if !regexp.MustCompile(regexp.QuoteMeta(want)).MatchString(v1) {
			t.Errorf("presets.go has no %q for v1 any more: change the lives here too", want)
		}
	}
	if accessLife != 5*time.Minute || sessionLife != 90*24*time.Hour {
		t.Errorf("got: %v, %v\nwant: 5m, 90 days", accessLife, sessionLife)
	}
}

// TestReport holds that the whole table comes out, with a small town instead of the sample.
func TestReport(t *testing.T) {
	var out bytes.Buffer
	if err := report(&out, 1, 10_000); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Zipf 1.2", "refresh", "10 nodes", "WAL", "feed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got: %s\nwant: %q in it", out.String(), want)
		}
	}
	if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
		t.Errorf("got: %s\nwant: numbers", out.String())
	}
}
