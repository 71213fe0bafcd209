//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// session is what one sign-in gave.
type session struct{ access, refresh string }

// people are those who are signed in when the measuring begins.
type people struct {
	readers []session // of /v1/
	classic []session // the same users under /api/user/
	ending  []session // others, whose sessions the run ends
	twins   []session // second sessions of those, under /api/user/
	callers []string  // addresses of users at the server's own cost, who have no session
}

// crowds are the users of a world.
func (b *bench) crowds(sleepers int) []crowd {
	return []crowd{{"sleeper", sleepers}, {"reader", b.Users}, {"ending", b.Ending}, {"caller", 4 * b.Storm}}
}

// populate seeds a world with users, signs in those who need it, and starts the server.
func (b *bench) populate(ctx context.Context, w *world, crowds []crowd) (*people, error) {
	p := &people{}
	n := map[string]int{}
	for _, c := range crowds {
		n[c.kind] = c.users
	}
	for i := range n["caller"] {
		p.callers = append(p.callers, emailOf("caller", i))
	}
	if err := w.seed(ctx, crowds); err != nil {
		return nil, err
	}
	if _, err := w.start(ctx, seeding); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		list *[]session
		k    *contract
		kind string
	}{{&p.readers, v1, "reader"}, {&p.classic, tag1, "reader"}, {&p.ending, v1, "ending"}, {&p.twins, tag1, "ending"}} {
		emails := make([]string, n[part.kind])
		for i := range emails {
			emails[i] = emailOf(part.kind, i)
		}
		var err error
		if *part.list, err = signInAll(ctx, w.target(), part.k, emails); err != nil {
			return nil, err
		}
	}
	_, err := w.restart(ctx)
	return p, err
}

// seed runs this program again, since a million inserts leave their marks on a process.
func (w *world) seed(ctx context.Context, crowds []crowd) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var talk strings.Builder
	cmd := exec.Command(self, "seed", "--database", w.url)
	for _, c := range crowds {
		cmd.Args = append(cmd.Args, fmt.Sprintf("%s=%d", c.kind, c.users))
	}
	cmd.Stderr = &talk
	c, err := startChild("seed", w.cores, cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), c.stop(syscall.SIGKILL))
	}
	if c.err != nil {
		return fmt.Errorf("seed: %w\n%s", c.err, talk.String())
	}
	return nil
}

// contract is how one of the APIs is spoken.
type contract struct {
	name              string
	signIn, me        string // paths
	scheme            string // before the token
	access, refreshes string // the members of a sign-in's answer
}

var (
	v1   = &contract{"v1", "/v1/sign-in", "/v1/me", "Bearer", "access_token", "refresh_token"}
	tag1 = &contract{"tag1", "/api/user/login/", "/api/user/view/", "JWT", "token", ""}
)

func (k *contract) signInRequest(host, email string) []byte {
	return request("POST", host, k.signIn, fmt.Sprintf(`{"email":%q,"password":%q}`, email, thePassword))
}

func (k *contract) meRequest(host, token string) []byte {
	return request("GET", host, k.me, "", "Authorization: "+k.scheme+" "+token)
}

func (k *contract) session(a *answer) (session, error) {
	s := session{access: a.text(k.access)}
	if k.refreshes != "" {
		s.refresh = a.text(k.refreshes)
	}
	if s.access == "" || k.refreshes != "" && s.refresh == "" {
		return s, fmt.Errorf("a sign-in gave no token: %v", a)
	}
	return s, nil
}

// signInAll opens a session for each of the users.
func signInAll(ctx context.Context, t *target, k *contract, emails []string) ([]session, error) {
	return collect(ctx, t, len(emails), 200, func(i int) []byte { return k.signInRequest(t.host, emails[i]) }, k.session)
}

// collect sends n requests and keeps the session that each answer gives.
func collect(ctx context.Context, t *target, n, want int, req func(i int) []byte, keep func(*answer) (session, error)) ([]session, error) {
	list := make([]session, n)
	sent, have := 0, 0
	s := &stream{name: "sign people in", addr: t.addr, width: 32, want: want}
	s.next = func(c *conn) []byte {
		if sent == n {
			return nil
		}
		c.mark = sent
		sent++
		return req(c.mark)
	}
	s.took = func(c *conn, a *answer) (err error) {
		list[c.mark], err = keep(a)
		have++
		return err
	}
	g, err := newGenerator(s)
	if err != nil {
		return nil, err
	}
	defer g.close()
	const atMost = 30 * time.Minute
	if err := g.run(ctx, atMost, func() bool { return have == n }); err != nil {
		return nil, err
	}
	if have < n {
		return nil, fmt.Errorf("%d of %d sign-ins were not answered within %v", n-have, n, atMost)
	}
	return list, nil
}
