//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// guests is how many accounts a visit opens: each costs the server a hash.
const guests = 24

// visit makes a scene of the user's own server, whose people we first have to register, unless somebody gave us a token.
func (b *bench) visit(ctx context.Context, s *scene) error {
	addr, host, err := localAddr(b.url)
	if err != nil {
		return err
	}
	t := &target{
		name: "the server", addr: addr, host: host,
		cpu: func() (time.Duration, error) { return cpuOf(b.pid) },
		pss: func() (float64, error) { return pssOf(b.pid) },
	}
	s.target = func() *target { return t }
	s.people = &people{}
	if b.token != "" {
		b.Users = 1
		s.people.readers = []session{{access: b.token}}
		return nil
	}
	b.Users = guests
	b.Ending = 9 * b.Repeats
	emails := make([]string, guests+b.Ending)
	for i := range emails {
		emails[i] = b.newEmail()
	}
	list, err := collect(ctx, t, len(emails), 201, func(i int) []byte { return signUpRequest(host, emails[i]) }, v1.session)
	if err != nil {
		return fmt.Errorf("register %d accounts: %w", len(emails), err)
	}
	s.people.readers, s.people.ending = list[:guests], list[guests:]
	s.people.callers = emails[:guests]
	classic, err := signInAll(ctx, t, tag1, emails)
	if err != nil {
		b.note("the server does not answer under /api/user/: that contract is left out")
		return nil
	}
	s.people.classic, s.people.twins = classic[:guests], classic[guests:]
	return nil
}

// localAddr resolves the URL of a server on this machine.
func localAddr(text string) (addr netip.AddrPort, host string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return addr, "", errors.New("--url takes http://HOST:PORT and nothing more")
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	resolved, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return addr, "", err
	}
	addr = resolved.AddrPort()
	addr = netip.AddrPortFrom(addr.Addr().Unmap().WithZone(""), addr.Port())
	if !addr.Addr().IsLoopback() {
		return addr, "", fmt.Errorf("--url %s is not on loopback: this program loads its own machine only", text)
	}
	return addr, u.Host, nil
}
