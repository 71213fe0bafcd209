package crash

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/http"
	"slices"
)

// state is what the server should know of a user.
type state struct {
	Exists   bool
	ID       int64
	Password string
	Replaced string // the password before
	Name     string
	Sessions []session
}

// session is one sign-in of a user. Its tokens are empty where their answer was lost.
type session struct {
	Live    bool
	Access  string
	Good    bool // whether Access is of the user's epoch
	Refresh string
	Spent   string // the refresh token before Refresh
}

// String leaves the tokens out.
func (s *state) String() string {
	text := fmt.Sprintf("exists %t, id %d, password %q after %q, name %q", s.Exists, s.ID, s.Password, s.Replaced, s.Name)
	for i, ses := range s.Sessions {
		text += fmt.Sprintf(", session %d live %t access good %t", i, ses.Live, ses.Good)
	}
	return text
}

func (s *state) clone() *state {
	c := *s
	c.Sessions = slices.Clone(s.Sessions)
	return &c
}

func (s *state) endSessions() {
	for i := range s.Sessions {
		s.Sessions[i].Live = false
	}
}

// operation is a request that writers make, with what its success means.
type operation struct {
	name   string
	weight int
	status int
	// can says whether a user's session may ask for it; nil: one with a good access token.
	can func(*session) bool
	// draw adds what the step needs; text is new each time.
	draw func(st *step, text string)
	send func(c *caller, s *state, st *step) (answer, error)
	// effect is what holds afterwards. Its answer is empty for a request whose answer was lost.
	effect func(s *state, st *step, a answer)
}

func (o *operation) may(ses *session) bool {
	if o.can != nil {
		return o.can(ses)
	}
	return ses.Live && ses.Good
}

func always(*session) bool { return true }

func isLive(ses *session) bool { return ses.Live }

// newPassword draws one that resembles no address.
func newPassword(st *step, text string) {
	sum := sha256.Sum256([]byte(text))
	st.Password = unlike.EncodeToString(sum[:10])
}

// operations are what the writers do. The first makes users, the others are for one who exists.
var operations = []operation{
	{
		name: "sign-up", weight: 3, status: http.StatusCreated, can: always, draw: newPassword,
		send: func(c *caller, _ *state, st *step) (answer, error) { return c.signUp(st.Email, st.Password) },
		effect: func(s *state, st *step, a answer) {
			*s = state{Exists: true, ID: a.User, Password: st.Password, Sessions: []session{opened(a)}}
		},
	},
	{
		name: "sign-in", weight: 3, status: http.StatusOK, can: always,
		send: func(c *caller, s *state, st *step) (answer, error) { return c.signIn(st.Email, s.Password) },
		effect: func(s *state, _ *step, a answer) {
			s.Sessions = append(s.Sessions, opened(a))
		},
	},
	{
		name: "refresh", weight: 10, status: http.StatusOK, can: isLive,
		send: func(c *caller, s *state, st *step) (answer, error) { return c.refresh(s.Sessions[st.Session].Refresh) },
		effect: func(s *state, st *step, a answer) {
			if ses := &s.Sessions[st.Session]; a.Refresh != "" {
				ses.Access, ses.Good, ses.Refresh, ses.Spent = a.Access, true, a.Refresh, ses.Refresh
			}
		},
	},
	{
		name: "password-change", weight: 3, status: http.StatusNoContent, draw: newPassword,
		send: func(c *caller, s *state, st *step) (answer, error) {
			return c.call("POST", "/v1/me/password", s.Sessions[st.Session].Access,
				members{"current_password": s.Password, "new_password": st.Password})
		},
		effect: func(s *state, st *step, _ answer) {
			s.Password, s.Replaced = st.Password, s.Password
			s.endSessions()
			ses := &s.Sessions[st.Session] // lives on; its next refresh brings a good access token
			ses.Live, ses.Good = true, false
		},
	},
	{
		name: "sign-out", weight: 2, status: http.StatusNoContent,
		send: func(c *caller, s *state, st *step) (answer, error) {
			return c.call("POST", "/v1/sign-out", s.Sessions[st.Session].Access, nil)
		},
		effect: func(s *state, st *step, _ answer) { s.Sessions[st.Session].Live = false },
	},
	{
		name: "sign-out-everywhere", weight: 1, status: http.StatusNoContent,
		send: func(c *caller, s *state, st *step) (answer, error) {
			return c.call("POST", "/v1/sign-out/everywhere", s.Sessions[st.Session].Access, nil)
		},
		effect: func(s *state, _ *step, _ answer) { s.endSessions() },
	},
	{
		name: "profile", weight: 3, status: http.StatusOK,
		draw: func(st *step, text string) { st.Name = "Name " + text },
		send: func(c *caller, s *state, st *step) (answer, error) {
			return c.call("PATCH", "/v1/me", s.Sessions[st.Session].Access, members{"name": st.Name})
		},
		effect: func(s *state, st *step, _ answer) { s.Name = st.Name },
	},
	{
		name: "delete", weight: 1, status: http.StatusNoContent,
		send: func(c *caller, s *state, st *step) (answer, error) {
			return c.call("DELETE", "/v1/me", s.Sessions[st.Session].Access, members{"password": s.Password})
		},
		effect: func(s *state, _ *step, _ answer) {
			s.Exists = false
			s.endSessions()
		},
	},
}

func opened(a answer) session {
	return session{Live: true, Access: a.Access, Good: true, Refresh: a.Refresh}
}

func operationOf(name string) *operation {
	return &operations[slices.IndexFunc(operations, func(o operation) bool { return o.name == name })]
}

// person is a user after a crash: what was acknowledged, and the world in which the request whose
// answer was lost, if there is one, was done all the same.
type person struct {
	email  string
	acked  *state
	lost   *step
	beyond *state // nil without lost
}

func (p *person) worlds() []*state {
	if p.beyond == nil {
		return []*state{p.acked}
	}
	return []*state{p.acked, p.beyond}
}

// after reads a journal up to the first request without an acknowledged answer: nothing was sent
// behind it.
func after(log []entry, acknowledged func(*answer) bool) []*person {
	var people []*person
	byEmail := map[string]*person{}
	for i := range log {
		st := log[i].Step
		if st == nil {
			continue
		}
		p := byEmail[st.Email]
		if p == nil {
			p = &person{email: st.Email, acked: &state{}}
			byEmail[st.Email] = p
			people = append(people, p)
		}
		op := operationOf(st.Op)
		if i+1 == len(log) || !acknowledged(log[i+1].Answer) {
			p.lost, p.beyond = st, p.acked.clone()
			op.effect(p.beyond, st, answer{})
			break
		}
		op.effect(p.acked, st, *log[i+1].Answer)
	}
	return people
}

// unlike writes passwords in letters that no address or name here has: one that resembles them is refused.
var unlike = base32.NewEncoding("QRTUVZHJKGSYqrtuvzhjkgsy!#$%&*+=").WithPadding(base32.NoPadding)
