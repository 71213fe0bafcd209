package crash

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	people      = 6
	maxSessions = 8
	maxTokens   = 24
	settle      = 100 * time.Millisecond // what an operation without an answer may still take
)

// past is one way in which somebody's past may have gone. Epochs begin at 1.
type past struct {
	gone     bool
	password int
	epoch    int
	sessions [maxSessions]int  // their epochs; 0: not opened
	ended    [maxSessions]bool // signed out
	tokens   [maxTokens]int    // their epochs; 0: not given
}

// soul is somebody whose requests come one after the other, and all lives he may have. An
// operation with an answer leaves those that fit it; one without leaves each as it was and as it
// would be.
type soul struct {
	t       *testing.T
	g       *group
	chance  *rand.Rand
	email   string
	lives   map[past]bool
	tokens  []held
	refresh [maxSessions]string // "": not known
	opened  int
	last    int // the last password that was tried
	history []string
}

// held is an access token.
type held struct {
	access  string
	session int
	died    time.Time // when it was known to be dead
	killer  int       // the node that ended it; -1: nobody knows
}

// alive reports whether a token is good.
func (p *soul) alive(l past, token int) bool {
	s := p.tokens[token].session
	return !l.gone && !l.ended[s] && l.tokens[token] == l.epoch && l.sessions[s] == l.epoch
}

// in counts the lives in which ok holds.
func (p *soul) in(ok func(past) bool) (n int) {
	for l := range p.lives {
		if ok(l) {
			n++
		}
	}
	return n
}

// settleDown takes an operation's outcome over. expect says how a past would have answered, and what becomes of it.
func (p *soul) settleDown(node int, what string, a answer, err error, expect func(past) (status int, after past)) bool {
	known := err == nil && a.Status < 500
	p.history = append(p.history, fmt.Sprintf("%s at node %d: %d %s %v", what, node, a.Status, a.Code, err))
	after := map[past]bool{}
	for l := range p.lives {
		status, next := expect(l)
		if !known {
			after[l] = true
		}
		if !known || status == a.Status {
			after[next] = true
		}
	}
	if len(after) == 0 {
		p.t.Errorf("%s fits nothing that %s may have lived\nlives: %+v\n%s", what, p.email, slices.Collect(maps.Keys(p.lives)), p.story())
		return false
	}
	p.lives = after
	if !known {
		time.Sleep(settle)
	}
	for i := range p.tokens {
		if held := &p.tokens[i]; held.died.IsZero() && p.in(func(l past) bool { return p.alive(l, i) }) == 0 {
			held.died, held.killer = time.Now(), -1
			if known && a.Status == http.StatusNoContent { // any other answer only tells of an end elsewhere
				held.killer = node
			}
		}
	}
	return known
}

func (p *soul) story() string { return strings.Join(p.history, "\n") }

// keep takes the tokens of an answer.
func (p *soul) keep(a answer, session int) {
	p.refresh[session] = a.Refresh
	p.tokens = append(p.tokens, held{access: a.Access, session: session})
}

// given is a past in which a session has just got its next token.
func (p *soul) given(l past, session int) past {
	l.tokens[len(p.tokens)] = l.epoch
	l.sessions[session] = l.epoch
	return l
}

// begin signs somebody new up, at a node that answers.
func (p *soul) begin(n int) bool {
	p.email = fmt.Sprintf("person%d-%d@example.com", n, p.chance.Uint64())
	p.tokens, p.history, p.refresh, p.opened, p.last = nil, nil, [maxSessions]string{}, 1, 0
	node := p.chance.IntN(len(p.g.callers))
	a, err := p.g.callers[node].signUp(p.email, word(0))
	p.lives = map[past]bool{p.given(past{epoch: 1}, 0): true}
	if err != nil || a.Status != http.StatusCreated {
		return false // he may be there; nobody asks
	}
	p.keep(a, 0)
	return true
}

func word(n int) string { return fmt.Sprintf("the horse of number %d", n) }

// step does one operation, and reports false when somebody new is due.
func (p *soul) step() bool {
	node := p.chance.IntN(len(p.g.callers))
	c := p.g.callers[node]
	if len(p.tokens) >= maxTokens-1 || p.opened >= maxSessions-1 {
		return false
	}
	i := p.chance.IntN(len(p.tokens))
	token := p.tokens[i]
	var any past
	for any = range p.lives {
		break
	}
	// fresh is an operation that rows decide about; do what it does, if the password is right.
	fresh := func(what string, a answer, err error, password int, status int, do func(past) past) {
		p.settleDown(node, what, a, err, func(l past) (int, past) {
			switch {
			case !p.alive(l, i):
				return 401, l
			case password >= 0 && l.password != password:
				return 403, l
			}
			return status, do(l)
		})
	}
	switch n := p.chance.IntN(100); {
	case n < 50:
		p.me(node, i)
	case n < 62:
		a, err := c.signIn(p.email, word(any.password))
		if p.settleDown(node, "sign-in", a, err, func(l past) (int, past) {
			if l.gone || l.password != any.password {
				return 401, l
			}
			return 200, p.given(l, p.opened)
		}) && a.Status == 200 {
			p.keep(a, p.opened)
		} else { // what nobody got does not matter
			p.drop(len(p.tokens), p.opened)
		}
		p.opened++
	case n < 78:
		s := token.session
		if p.refresh[s] == "" {
			return true
		}
		a, err := c.refresh(p.refresh[s])
		if p.settleDown(node, "refresh", a, err, func(l past) (int, past) {
			if l.gone || l.ended[s] || l.sessions[s] != l.epoch {
				return 401, l
			}
			return 200, p.given(l, s)
		}) && a.Status == 200 {
			p.keep(a, s)
			return true
		}
		p.drop(len(p.tokens), -1)
		if err != nil || a.Status >= 500 {
			p.refresh[s] = "" // its successor may have been given out, and in ten seconds this one is a reuse
		}
	case n < 86:
		a, err := c.call("POST", "/v1/sign-out", token.access, nil)
		fresh("sign-out", a, err, -1, 204, func(l past) past { l.ended[token.session] = true; return l })
	case n < 91:
		a, err := c.call("POST", "/v1/sign-out/everywhere", token.access, nil)
		fresh("sign-out/everywhere", a, err, -1, 204, func(l past) past { l.epoch++; return l })
	case n < 98:
		p.last++
		next := p.last
		a, err := c.call("POST", "/v1/me/password", token.access, members{"current_password": word(any.password), "new_password": word(next)})
		fresh("password", a, err, any.password, 204, func(l past) past {
			l.epoch++
			l.password, l.sessions[token.session] = next, l.epoch
			return l
		})
	default:
		a, err := c.call("DELETE", "/v1/me", token.access, members{"password": word(any.password)})
		fresh("delete", a, err, any.password, 204, func(l past) past { l.gone = true; return l })
	}
	return true
}

// drop takes a token, and a session, that nobody has out of all lives.
func (p *soul) drop(token, session int) {
	lives := map[past]bool{}
	for l := range p.lives {
		l.tokens[token] = 0
		if session >= 0 {
			l.sessions[session] = 0
		}
		lives[l] = true
	}
	p.lives = lives
}

// me asks what may be answered from memory: a dead token may be good for a while at a node that did
// not end it, and tells nothing then.
func (p *soul) me(node, i int) {
	began := time.Now()
	a, err := p.g.callers[node].me(p.tokens[i].access)
	if err == nil && a.Status == 200 && p.in(func(l past) bool { return p.alive(l, i) }) < len(p.lives) {
		p.history = append(p.history, fmt.Sprintf("me with token %d at node %d: 200, and it may be dead", i, node))
		if died := p.tokens[i].died; !died.IsZero() && (began.Sub(died) > boundFor || p.tokens[i].killer == node) {
			p.t.Errorf("token %d of %s is good at node %d, %v after its end at node %d\n%s",
				i, p.email, node, began.Sub(died), p.tokens[i].killer, p.story())
		}
		return
	}
	p.settleDown(node, fmt.Sprintf("me with token %d", i), a, err, func(l past) (int, past) {
		if p.alive(l, i) {
			return 200, l
		}
		return 401, l
	})
}

// finish asks all nodes about all tokens, once nothing can be stale any more.
func (p *soul) finish() {
	for i := range p.tokens {
		for node, c := range p.g.callers {
			a, err := c.me(p.tokens[i].access)
			for begin := time.Now(); (err != nil || a.Status >= 500) && time.Since(begin) < soonEnough; time.Sleep(settle) {
				a, err = c.me(p.tokens[i].access)
			}
			if err != nil || a.Status >= 500 {
				p.t.Errorf("node %d does not come back: %+v %v", node, a, err)
				return
			}
			p.settleDown(node, fmt.Sprintf("in the end, me with token %d", i), a, err, func(l past) (int, past) {
				if p.alive(l, i) {
					return 200, l
				}
				return 401, l
			})
		}
	}
}

// TestHistory does random operations at three nodes whose wires to PostgreSQL break now and then,
// and holds every answer against what its person may have lived (R10).
func TestHistory(t *testing.T) {
	chance := chance(t)
	g := newGroup(t, 3)
	over := make(chan struct{})
	var cutting, all sync.WaitGroup
	var cuts, done, unanswered atomic.Int64
	cutter := rand.New(rand.NewPCG(chance.Uint64(), 0))
	cutting.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Duration(50+cutter.IntN(400)) * time.Millisecond):
			}
			w := g.wires[cutter.IntN(len(g.wires))]
			w.set([]mood{cut, hole, deaf}[cutter.IntN(3)])
			cuts.Add(1)
			time.Sleep(time.Duration(20+cutter.IntN(400)) * time.Millisecond)
			w.set(passes)
		}
	})
	persons := make([][]*soul, people)
	for n := range people {
		mine := rand.New(rand.NewPCG(chance.Uint64(), 1))
		all.Go(func() {
			var p *soul
			for int(done.Add(1)) <= *steps && !t.Failed() {
				if p == nil || !p.step() {
					p = &soul{t: t, g: g, chance: mine}
					if !p.begin(n) {
						p = nil
						unanswered.Add(1)
						continue
					}
					persons[n] = append(persons[n], p)
				}
				time.Sleep(time.Duration(mine.IntN(100)) * time.Millisecond) // so that there are cuts between
			}
		})
	}
	all.Wait()
	close(over)
	cutting.Wait()
	time.Sleep(boundFor + time.Second)
	tokens := 0
	for _, p := range slices.Concat(persons...) {
		for _, line := range p.history {
			if strings.Contains(line, ": 5") || strings.Contains(line, ": 0") {
				unanswered.Add(1)
			}
		}
		tokens += len(p.tokens)
		p.finish()
	}
	t.Logf("%d operations, %d of them without an answer, %d cuts; %d persons with %d tokens in the end",
		*steps, unanswered.Load(), cuts.Load(), len(slices.Concat(persons...)), tokens)
}
