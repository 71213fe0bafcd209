//go:build linux

package main

import (
	"math"
	"time"
)

// load is what people do. All rates are of the mean of a day; busiest says what the worst moment has.
type load struct {
	users    float64
	sessions float64 // rows, living and ended: each is kept until its end at the latest
	classes  []class
	requests int           // that a visit makes, apart from refreshes
	gap      time.Duration // between two of them
	access   time.Duration // life of an access token
	leave    float64       // part of the sessions that are signed out, one by one
	worry    float64       // changes of a password, or sign-outs everywhere, for each sign-in
}

// class is so many people who come equally often.
type class struct {
	users  float64
	visits float64 // of one of them, a second
}

const (
	day = 24 * time.Hour
	// sessionLife, of /v1/, is how long a row is kept: until its session would have ended.
	sessionLife = 90 * day
	// accessLife, of /v1/.
	accessLife = 5 * time.Minute
	// swing is how far the load of the busiest and of the quietest moment is from the mean.
	swing = 0.9
)

// busiest is the load of the worst moment of a day by its mean.
const busiest = 1 + swing

// moment is the load at a second of the day by its mean: a wave, with its top in the middle.
func moment(second float64) float64 {
	return 1 - swing*math.Cos(2*math.Pi*second/day.Seconds())
}

// pattern is a way that so many people come.
type pattern struct {
	name    string
	classes []class
}

// patterns are the access patterns that are looked at: who comes daily, weekly, monthly and not at
// all, and then the same number of visits, by Zipf's law.
func patterns(users float64) []pattern {
	daily := 1 / day.Seconds()
	list := []pattern{{"daily, weekly, monthly", []class{
		{0.2 * users, 3 * daily},
		{0.2 * users, 3 * daily / 7},
		{0.3 * users, 2 * daily / 30},
		{0.3 * users, 0},
	}}}
	total := visits(list[0].classes)
	for _, z := range []struct {
		name     string
		exponent float64
	}{{"Zipf 0.6", 0.6}, {"Zipf 0.8", 0.8}, {"Zipf 1.0", 1}, {"Zipf 1.2", 1.2}} {
		list = append(list, pattern{z.name, zipf(users, total, z.exponent)})
	}
	return list
}

// visits are those of all, a second.
func visits(classes []class) (sum float64) {
	for _, c := range classes {
		sum += c.users * c.visits
	}
	return sum
}

// zipf shares visits among people: who has rank n gets a share of n to the power of -exponent.
// Neighbouring ranks are one class; the first hundred have one each.
func zipf(users, total, exponent float64) (classes []class) {
	var sum float64
	for first := 1.0; first <= users; {
		last := math.Min(users, math.Max(first, math.Floor(first*1.01)))
		share := math.Pow((first+last)/2, -exponent)
		classes = append(classes, class{last - first + 1, share})
		sum += share * (last - first + 1)
		first = last + 1
	}
	for i := range classes {
		classes[i].visits *= total / sum
	}
	return classes
}

// ofToken is how many requests show one access token.
func (l *load) ofToken() int { return int((l.access + l.gap - 1) / l.gap) }

// refreshes are those of a visit: its first request, too, finds the last visit's token dead.
func (l *load) refreshes() int { return (l.requests + l.ofToken() - 1) / l.ofToken() }

// signIns a second keep so many rows there.
func (l *load) signIns() float64 { return l.sessions / sessionLife.Seconds() }

// assumed is what nobody has measured, of the people of these classes: a visit of ten minutes with
// a request to us a minute; a third of the sessions are signed out, and a change of a password, or a
// sign-out everywhere, comes with a hundredth of the sign-ins.
func assumed(classes []class) *load {
	return &load{
		classes: classes, requests: 10, gap: time.Minute, access: accessLife,
		leave: 1. / 3, worry: 0.01,
	}
}
