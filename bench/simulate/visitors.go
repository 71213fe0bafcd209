//go:build linux

package main

import (
	"container/heap"
	"math"
)

// visitor is somebody whose next request is due.
type visitor struct {
	at    float64
	user  uint64
	visit uint64
	done  int // requests
}

// due is a heap of visitors by their time.
type due []visitor

func (d due) Len() int           { return len(d) }
func (d due) Less(i, j int) bool { return d[i].at < d[j].at }
func (d due) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *due) Push(v any)        { *d = append(*d, v.(visitor)) }
func (d *due) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// remembered is a memory that, when it is full, forgets any other entry.
type remembered interface{ ask(key uint64) (known bool) }

// slots is a memory of so many places.
type slots struct {
	dice *chance
	keys []uint64
	at   map[uint64]int
	most int
}

func newSlots(most int, dice *chance) *slots {
	return &slots{dice: dice, at: map[uint64]int{}, most: most}
}

func (s *slots) ask(key uint64) bool {
	if _, ok := s.at[key]; ok {
		return true
	}
	if len(s.keys) < s.most {
		s.at[key] = len(s.keys)
		s.keys = append(s.keys, key)
		return false
	}
	i := s.dice.below(s.most)
	delete(s.at, s.keys[i])
	s.keys[i], s.at[key] = key, i
	return false
}

// street plays visits one by one, with the memory of each node.
type street struct {
	load          *load
	balance       balance
	dice          *chance
	tokens, users []remembered // by node
	below         []float64    // by class: the share of visits of this class and those before it
	first         []uint64     // by class: its first user
	waiting       due
	visits        uint64
	clock         float64
}

func newStreet(l *load, m memory, b balance, seed uint64) *street {
	s := &street{load: l, balance: b, dice: newChance(seed)}
	for range b.nodes {
		s.tokens = append(s.tokens, newSlots(int(m.tokens), s.dice))
		s.users = append(s.users, newSlots(int(m.users), s.dice))
	}
	var sum float64
	var first uint64
	for _, c := range l.classes {
		sum += c.users * c.visits
		s.below = append(s.below, sum)
		s.first = append(s.first, first)
		first += uint64(math.Ceil(c.users))
	}
	return s
}

// play goes on for so many seconds, at a load that shape gives by the second, and counts.
func (s *street) play(seconds float64, shape func(second float64) float64) (o outcome) {
	end := s.clock + seconds
	most := visits(s.load.classes) * busiest
	arrival := s.clock + s.dice.wait(most)
	for {
		for len(s.waiting) > 0 && s.waiting[0].at <= min(arrival, end) {
			s.request(&o)
		}
		if arrival > end {
			break
		}
		if s.dice.part() <= shape(arrival)/busiest {
			s.visits++
			heap.Push(&s.waiting, visitor{at: arrival, user: s.who(), visit: s.visits})
		}
		arrival += s.dice.wait(most)
	}
	s.clock = end
	o.requests, o.tokenMisses, o.userMisses = o.requests/seconds, o.tokenMisses/seconds, o.userMisses/seconds
	return o
}

// request plays the request that is due.
func (s *street) request(o *outcome) {
	v := heap.Pop(&s.waiting).(visitor)
	node := s.dice.below(s.balance.nodes)
	if s.balance.sticky {
		node = int(newChance(v.user).next() % uint64(s.balance.nodes))
	}
	token := v.visit*uint64(s.load.requests) + uint64(v.done/s.load.ofToken())
	o.requests++
	switch {
	case !s.tokens[node].ask(token):
		o.tokenMisses++
	case !s.users[node].ask(v.user):
		o.userMisses++
	}
	if v.done++; v.done < s.load.requests {
		v.at += s.load.gap.Seconds()
		heap.Push(&s.waiting, v)
	}
}

// who comes next: any user of a class by the visits that classes make.
func (s *street) who() uint64 {
	at := s.dice.part() * s.below[len(s.below)-1]
	low, high := 0, len(s.below)-1
	for low < high {
		if middle := (low + high) / 2; s.below[middle] < at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return s.first[low] + uint64(s.dice.part()*s.load.classes[low].users)
}

// sampled is the same load with one of so many people, and the memory for them.
func sampled(l *load, m memory, one float64) (*load, memory) {
	few := *l
	few.classes = nil
	for _, c := range l.classes {
		few.classes = append(few.classes, class{c.users / one, c.visits})
	}
	return &few, memory{m.tokens / one, m.users / one}
}
