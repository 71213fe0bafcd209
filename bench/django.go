//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// djangoPython sees the packages of Debian.
const djangoPython = "/usr/bin/python3"

// djangoUsers is how many users the two servers have. Each is one device.
const djangoUsers = 32

// djangoCondition is what both are configured with, as the head of a contract transcript says it.
var djangoCondition = map[string]any{
	"dialect": "djoser", "variant": "djoser", "user_model": "auth.User", "settings": map[string]any{
		"SECRET_KEY": "benchmark-secret-key-of-no-worth-0123456789", "token_blacklist": true,
		"REST_FRAMEWORK": map[string]any{"DEFAULT_AUTHENTICATION_CLASSES": []string{"rest_framework_simplejwt.authentication.JWTAuthentication"}},
		"SIMPLE_JWT": map[string]any{
			"AUTH_HEADER_TYPES": []string{"Bearer"}, "ACCESS_TOKEN_LIFETIME": 86400, "REFRESH_TOKEN_LIFETIME": 864000,
			"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true,
		},
	},
}

// djoser is how both speak.
var djoser = &contract{"djoser", "/auth/jwt/create/", "/auth/users/me/", "Bearer", "access", "refresh"}

// measureDjango measures the contract of djoser at Doorward, in development mode and in the same
// condition, beside the Django stack that it is the contract of: under gunicorn, one process.
func (b *bench) measureDjango(ctx context.Context, s *scene) error {
	if s.engine != engineSQLite {
		return nil // Django has a file too
	}
	if err := exec.CommandContext(ctx, djangoPython, "-c", "import django, rest_framework_simplejwt, djoser, gunicorn").Run(); err != nil {
		b.note("the Django stack is not there: djoser beside Django is left out (scripts/reference install)")
		return nil
	}
	w, err := b.newWorld(ctx, s.engine)
	if err != nil {
		return err
	}
	b.worlds = append(b.worlds, w)
	if _, err := w.start(ctx, seeding); err != nil {
		return err
	}
	theirs, err := b.startDjango(ctx)
	if err != nil {
		return err
	}
	ours := w.target()
	if err := errors.Join(fixture(ctx, ours, "/dev/reset", djangoCondition), fixture(ctx, theirs, "/__reference__/reset", nil)); err != nil {
		return err
	}
	if err := errors.Join(b.besideDjango(ctx, s, ours, theirs), w.stop()); err != nil {
		return err
	}
	return nil
}

// besideDjango measures one route after the other at both.
func (b *bench) besideDjango(ctx context.Context, s *scene, ours, theirs *target) error {
	lists := map[*target][]session{}
	for _, t := range []*target{ours, theirs} {
		var err error
		lists[t], err = collect(ctx, t, djangoUsers, 200, func(i int) []byte {
			return request("POST", t.host, djoser.signIn, fmt.Sprintf(`{"username":"user%d","password":%q}`, i, thePassword))
		}, djoser.session)
		if err != nil {
			return err
		}
	}
	for _, route := range []struct {
		what    string
		most    float64 // of Django's CPU; 0: nobody set a target
		traffic func(t *target) *stream
	}{
		{"djoser: me", 1.0 / 50, func(t *target) *stream {
			return cycle("me", t, readers, 200, each(lists[t], func(x session) []byte { return djoser.meRequest(t.host, x.access) }))
		}},
		{"SimpleJWT: verify", 0, func(t *target) *stream {
			return cycle("verify", t, readers, 200, each(lists[t], func(x session) []byte {
				return request("POST", t.host, "/auth/jwt/verify/", `{"token":"`+x.access+`"}`)
			}))
		}},
		{"SimpleJWT: refresh with rotation, durable", 1.0 / 20, func(t *target) *stream {
			return refreshingAt(t, lists[t], "/auth/jwt/refresh/", "refresh", djoser)
		}},
	} {
		p, err := b.repeat(ctx, b.load(ours, b.Warm, func() *stream { return route.traffic(ours) }),
			b.load(theirs, b.Warm, func() *stream { return route.traffic(theirs) }))
		if err != nil {
			return err
		}
		r := &row{Engine: s.engine, Workload: "django", What: route.what, Unit: "CPU µs", Than: "Django under gunicorn"}
		p.fill(r)
		if route.most > 0 {
			r.judge(fmt.Sprintf("≤ 1/%.0f of Django", 1/route.most), r.Ratio.Median <= route.most)
		}
		b.add(r)
	}
	return nil
}

// startDjango starts the reference of e2e/reference on the server's cores.
func (b *bench) startDjango(ctx context.Context) (*target, error) {
	state, err := os.MkdirTemp(b.folder, "django-")
	if err != nil {
		return nil, err
	}
	condition, err := json.Marshal(djangoCondition)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(state, "condition.json"), condition, 0o600); err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(state, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(djangoPython, filepath.Join(root, "e2e/reference/project/serve.py"), strconv.Itoa(int(addr.Port())))
	cmd.Env = append(plainEnvironment(), "REFERENCE_STATE="+state, "REFERENCE_ROUNDS=1")
	cmd.Stdout, cmd.Stderr = log, log
	c, err := startChild("Django", b.cores.server, cmd, syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	b.running = append(b.running, c)
	t := &target{
		name: "Django", addr: addr, host: addr.String(),
		cpu: func() (time.Duration, error) { return cpuOfFamily(c.pid()) },
		pss: func() (float64, error) { return pssOf(c.pid()) },
	}
	return t, awaitAnswer(ctx, addr, c)
}

// awaitAnswer waits until a server answers anything at all.
func awaitAnswer(ctx context.Context, addr netip.AddrPort, server *child) error {
	for range 600 {
		res, err := http.Get("http://" + addr.String() + "/")
		if err == nil {
			return res.Body.Close()
		}
		if server.ended() {
			return fmt.Errorf("%s ended before it answered: %w", server.name, server.err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s did not answer", server.name)
}

// fixture puts the users in. head is what the server wants to be told beside them.
func fixture(ctx context.Context, t *target, path string, head map[string]any) error {
	var users []map[string]any
	for i := range djangoUsers {
		users = append(users, map[string]any{"id": i + 1, "username": fmt.Sprintf("user%d", i), "email": emailOf("reader", i), "password": thePassword})
	}
	body := map[string]any{"users": users}
	if head != nil {
		body = map[string]any{"setup": body}
		for name, v := range head {
			body[name] = v
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.host+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if said, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s of %s: %d %s", path, t.name, res.StatusCode, said)
	}
	return nil
}
