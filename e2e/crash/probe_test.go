package crash

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// question is something that is asked about a user after a crash, with the answer that a world
// wants. The questions about one session come in the order of probes.
type question struct {
	probe   *probe
	session int
	text    string // a password
}

// probe is a kind of question.
type probe struct {
	name string
	want func(s *state, q question) string
	ask  func(i *inquiry, q question) (string, error)
}

// inquiry asks about one person.
type inquiry struct {
	*person
	caller *caller
	heirs  []string // by session: the successor that its refresh token gave
}

func outcome(good bool, yes, no string) string {
	if good {
		return yes
	}
	return no
}

func live(s *state, q question) bool {
	return q.session < len(s.Sessions) && s.Sessions[q.session].Live
}

// bySession are asked about each session whose tokens are known. The reuse of a spent token ends
// the session, so it comes late.
var bySession = []probe{
	{
		name: "show the access token",
		want: func(s *state, q question) string {
			return outcome(live(s, q) && s.Sessions[q.session].Good, fmt.Sprintf("200 %q", s.Name), "401")
		},
		ask: func(i *inquiry, q question) (string, error) {
			a, err := i.caller.me(i.acked.Sessions[q.session].Access)
			return outcome(a.Status == 200, fmt.Sprintf("200 %q", a.Name), fmt.Sprint(a.Status)), err
		},
	},
	{
		name: "refresh with the newest token acknowledged",
		want: func(s *state, q question) string { return outcome(live(s, q), "200 a successor", "401") },
		ask: func(i *inquiry, q question) (string, error) {
			token := i.acked.Sessions[q.session].Refresh
			a, err := i.caller.refresh(token)
			i.heirs[q.session] = a.Refresh
			return outcome(a.Status == 200 && a.Refresh != token, "200 a successor", fmt.Sprint(a.Status)), err
		},
	},
	{
		name: "refresh with it again",
		want: func(s *state, q question) string { return outcome(live(s, q), "200 the same successor", "401") },
		ask: func(i *inquiry, q question) (string, error) {
			a, err := i.caller.refresh(i.acked.Sessions[q.session].Refresh)
			return outcome(a.Status == 200 && a.Refresh == i.heirs[q.session], "200 the same successor", fmt.Sprint(a.Status)), err
		},
	},
	{
		name: "refresh with the token spent before it, if any",
		want: func(*state, question) string { return "401" },
		ask: func(i *inquiry, q question) (string, error) {
			if !i.reuses(q.session) {
				return "401", nil
			}
			a, err := i.caller.refresh(i.acked.Sessions[q.session].Spent)
			return fmt.Sprint(a.Status), err
		},
	},
	{
		name: "refresh with the successor",
		want: func(s *state, q question) string {
			return outcome(live(s, q), "200, or 401 after a reuse", "401")
		},
		ask: func(i *inquiry, q question) (string, error) {
			if i.heirs[q.session] == "" {
				return "401", nil
			}
			a, err := i.caller.refresh(i.heirs[q.session])
			want := outcome(i.reuses(q.session), "401", "200")
			return outcome(fmt.Sprint(a.Status) == want, "200, or 401 after a reuse", fmt.Sprintf("%d, want %s", a.Status, want)), err
		},
	},
}

// reuses reports whether the spent token of a session is shown: that of every second one, so that
// some live on.
func (i *inquiry) reuses(n int) bool {
	return i.acked.Sessions[n].Spent != "" && (n+int(i.acked.ID))%2 == 0
}

var signIn = probe{
	name: "sign in",
	want: func(s *state, q question) string {
		return outcome(s.Exists && q.text == s.Password, "200", "401 invalid_credentials")
	},
	ask: func(i *inquiry, q question) (string, error) {
		a, err := i.caller.signIn(i.email, q.text)
		return strings.TrimSpace(fmt.Sprint(a.Status, " ", a.Code)), err
	},
}

// signUp comes last: where the address is free it is taken then.
var signUp = probe{
	name: "sign up with the address",
	want: func(s *state, _ question) string { return outcome(s.Exists, "409", "201") },
	ask: func(i *inquiry, q question) (string, error) {
		a, err := i.caller.signUp(i.email, q.text)
		return fmt.Sprint(a.Status), err
	},
}

// questions are what to ask about p: the same whichever world it is.
func (p *person) questions() []question {
	var list []question
	for _, password := range p.passwords() {
		list = append(list, question{probe: &signIn, text: password})
	}
	for n, ses := range p.acked.Sessions {
		for k := range bySession {
			if ses.Refresh != "" {
				list = append(list, question{probe: &bySession[k], session: n})
			}
		}
	}
	return append(list, question{probe: &signUp, text: anotherPassword})
}

const anotherPassword = "another-one-altogether"

// passwords are those that a world knows or knew, and one that was never set.
func (p *person) passwords() []string {
	list := []string{anotherPassword}
	for _, s := range p.worlds() {
		for _, password := range []string{s.Password, s.Replaced} {
			if password != "" && !slices.Contains(list, password) {
				list = append(list, password)
			}
		}
	}
	return list
}

// check asks everything about p and gives the world that all answers are from.
func (p *person) check(c *caller) (*state, error) {
	i := &inquiry{person: p, caller: c, heirs: make([]string, len(p.acked.Sessions))}
	list := p.questions()
	got := make([]string, len(list))
	for n, q := range list {
		var err error
		if got[n], err = q.probe.ask(i, q); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.email, q.probe.name, err)
		}
	}
	for _, s := range p.worlds() {
		if slices.Equal(got, wanted(s, list)) {
			return s, nil
		}
	}
	return nil, p.contradiction(list, got)
}

// wanted are the answers that a world wants.
func wanted(s *state, list []question) []string {
	want := make([]string, len(list))
	for n, q := range list {
		want[n] = q.probe.want(s, q)
	}
	return want
}

// contradiction tells which answers a world does not want. The right one wants them all.
func (p *person) contradiction(list []question, got []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s fits no world\nacknowledged: %s", p.email, p.acked)
	if p.lost != nil {
		fmt.Fprintf(&b, "\nwithout an answer: %+v, after which: %s", *p.lost, p.beyond)
	}
	for n, q := range list {
		for i, s := range p.worlds() {
			if want := q.probe.want(s, q); want != got[n] {
				fmt.Fprintf(&b, "\n  %s (session %d) %s\n    got:  %s\n    want: %s, %s", q.probe.name, q.session, q.text, got[n], want,
					[]string{"of what was acknowledged", "with the request that had no answer"}[i])
			}
		}
	}
	return errors.New(b.String())
}
