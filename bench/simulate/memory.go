//go:build linux

package main

import "math"

// memory is how much a node remembers.
type memory struct{ tokens, users float64 }

// balance says who answers a request: any of the nodes, by lot, or always the same one for a user.
type balance struct {
	nodes  int
	sticky bool
}

// spread is the number of nodes that one user's requests come to.
func (b balance) spread() int {
	if b.sticky {
		return 1
	}
	return b.nodes
}

// outcome is what becomes of requests with an access token.
type outcome struct {
	requests    float64 // a second, at all nodes
	tokenMisses float64 // a second: two reads each, of the session and the user
	userMisses  float64 // a second: a token is remembered and its user is not: one read
	tokenStay   float64 // how long a token stays remembered, in seconds, if it is not asked about
	userStay    float64
}

func (o *outcome) hit() float64 {
	return 1 - (o.tokenMisses+o.userMisses)/o.requests
}

func (o *outcome) reads() float64 { return 2*o.tokenMisses + o.userMisses }

// remember is how often memory answers, by a formula. A full shard forgets any other entry at each
// miss, so an entry lives for a time that is exponential with the mean T, whatever is asked
// meanwhile (for requests without bursts this is Fagin's and Gelenbe's formula for random
// replacement, h = λT/(1+λT)). It is there if it outlived the gap since it was asked for last; and T
// is as many misses as there is room. at is the load by the mean.
func remember(l *load, m memory, b balance, at float64) outcome {
	n := float64(b.spread())
	o := outcome{requests: at * visits(l.classes) * float64(l.requests)}
	known := make([]float64, l.requests) // by request of a visit: whether its token is remembered
	o.tokenStay = settle(m.tokens, func(stay float64) float64 {
		o.tokenMisses = 0
		for j := range known {
			known[j] = l.earlier(n, j%l.ofToken(), stay, 0, nil)
			o.tokenMisses += at * visits(l.classes) * (1 - known[j])
		}
		return o.tokenMisses / float64(b.nodes)
	})
	o.userStay = settle(m.users, func(stay float64) float64 {
		o.userMisses = l.userMisses(known, n, stay, at)
		return o.userMisses / float64(b.nodes)
	})
	return o
}

// earlier is the chance that what request j of a row asks for is remembered by its node from an
// earlier one of them, or from another visit that goes on meanwhile and asks at a rate. asks says
// how likely each of them asked; nil: they all did.
func (l *load) earlier(nodes float64, j int, stay, rate float64, asks []float64) (p float64) {
	none := 1.0 // that no request in between came to this node
	for i := j - 1; i >= 0; i-- {
		here := 1 / nodes
		if asks != nil {
			here *= asks[i]
		}
		leave := rate + 1/stay
		over := math.Exp(-leave * float64(j-i) * l.gap.Seconds())
		p += none * here * (over + rate/leave*(1-over))
		none *= 1 - here
	}
	return p
}

// userMisses are those a second of users whose token was remembered. A user is remembered from an
// earlier request of the visit, or from another visit.
func (l *load) userMisses(known []float64, nodes, stay, at float64) (misses float64) {
	var asked float64                          // by a visit, of one node
	untouched := make([]float64, len(known)+1) // that no request of a visit before this one asked the node for the user
	untouched[0] = 1
	for j := range known {
		asked += known[j] / nodes
		untouched[j+1] = untouched[j] * (1 - known[j]/nodes)
	}
	for _, c := range l.classes {
		visits := at * c.visits
		touching := visits * (1 - untouched[len(known)])
		before := touching * stay / (1 + touching*stay)
		for j := range known {
			within := l.earlier(nodes, j, stay, visits*asked, known)
			misses += c.users * visits * known[j] * (1 - within - untouched[j]*before)
		}
	}
	return misses
}

// settle finds how long an entry stays in a memory of a size, when a stay makes so many misses a
// second at a node: stay × misses = size. Where all fits, it is a year.
func settle(size float64, misses func(stay float64) float64) float64 {
	low, high := 1e-3, 365*86400.0
	for range 60 {
		middle := math.Sqrt(low * high)
		if middle*misses(middle) < size {
			low = middle
		} else {
			high = middle
		}
	}
	misses(low)
	return low
}
