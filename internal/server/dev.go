package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/django"
	"doorward/internal/password"
	"doorward/internal/store"
)

func isDevelopment(path string) bool { return strings.HasPrefix(path, "/dev/") }

// development serves the routes that make authentication testable. A web page can reach
// loopback too, so foreign Host names and requests from other origins are refused.
func (s *Server) development(w http.ResponseWriter, r *http.Request) {
	if !loopbackHost(r.Host) || !sameOrigin(r) {
		reply(w, http.StatusForbidden, map[string]any{"error": "development routes answer this machine's own pages and programs only"})
		return
	}
	if path := strings.TrimSuffix(r.URL.Path, "/"); path == "/dev/mail" || strings.HasPrefix(path, "/dev/mail/") {
		s.devMail(w, r)
		return
	}
	switch r.Method + " " + strings.TrimSuffix(r.URL.Path, "/") {
	case "POST /dev/reset":
		s.reset(w, r)
	case "GET /dev/clock":
		reply(w, http.StatusOK, s.shownTime())
	case "POST /dev/clock":
		s.turn(w, r)
	default:
		reply(w, http.StatusNotFound, map[string]any{"error": "there are POST /dev/reset, GET and POST /dev/clock, GET /dev/mail"})
	}
}

func loopbackHost(header string) bool {
	name := header
	if host, _, err := net.SplitHostPort(header); err == nil {
		name = host
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.IsLoopback()
}

// sameOrigin refuses what a browser sends from a page of another origin, reading included.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == "http://"+r.Host || origin == "https://"+r.Host
}

// maxReset bounds the body of a reset, in bytes.
const maxReset = 1 << 20

// reset puts the server in the condition that a contract transcript's head states.
func (s *Server) reset(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReset))
	if err != nil {
		reply(w, http.StatusRequestEntityTooLarge, map[string]any{"error": "the body is larger than 1 MiB"})
		return
	}
	c, err := django.Read(body)
	if err != nil {
		var faults django.FaultsError
		errors.As(err, &faults)
		reply(w, http.StatusBadRequest, map[string]any{"error": "this condition is not understood", "faults": faults})
		return
	}
	if err := s.change(r.Context(), c); err != nil {
		s.log.Error("reset", "error", err)
		reply(w, http.StatusInternalServerError, map[string]any{"error": "the reset failed; the log says why"})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// change moves the server into the world of a condition, once the requests under way are done.
func (s *Server) change(ctx context.Context, c *django.Condition) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	next, err := s.worldOf(ctx, c)
	if err != nil {
		return err
	}
	if next.sender != nil {
		next.sender.Start()
	}
	old := s.world
	s.world = next
	s.clock.Restore()
	if old != s.home {
		return old.close()
	}
	return nil
}

func (s *Server) worldOf(ctx context.Context, c *django.Condition) (w *world, err error) {
	p := s.home.plan.planOfCondition(c)
	if !c.Scratch {
		return s.open(ctx, p, nil)
	}
	var drop func() error
	if p.url, drop, err = store.Scratch(ctx, p.url); err != nil {
		return nil, err
	}
	if w, err = s.open(ctx, p, nil); err == nil {
		w.drop = drop
		if err = s.settle(ctx, w, c.Users); err == nil {
			return w, nil
		}
		return nil, errors.Join(err, w.close())
	}
	return nil, errors.Join(err, drop())
}

// settle puts the users of a fixture in.
func (s *Server) settle(ctx context.Context, w *world, users []django.User) error {
	for i := range users {
		users[i].Password = password.Unusable()
		users[i].DateJoined = s.clock.Now()
		if users[i].Clear == nil {
			continue
		}
		hash, err := s.pool.Hash(ctx, *users[i].Clear)
		if err != nil {
			return err
		}
		users[i].Password = hash
	}
	err := w.db.Update(ctx, func(tx account.Writer) (err error) {
		for i := range users {
			if users[i].ID, err = tx.InsertUser(ctx, &users[i].User); err != nil {
				return err
			}
			for _, p := range users[i].Profiles.All() {
				p.UserID = users[i].ID
				if _, err = tx.InsertProfile(ctx, &p); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for _, u := range users {
		if err == nil && u.Opaque != "" {
			err = w.accounts.KeepForeignOpaque(ctx, u.ID, u.Opaque)
		}
	}
	return err
}

// turn turns the clock: {"advance_seconds": 60}, {"now": "2026-01-02T03:04:05Z"}, or {"now": null} for the real time.
func (s *Server) turn(w http.ResponseWriter, r *http.Request) {
	var in map[string]json.RawMessage
	var advance float64
	var now *time.Time
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in)
	raw, advancing := in["advance_seconds"]
	at, setting := in["now"]
	if err == nil && advancing {
		err = json.Unmarshal(raw, &advance)
	}
	if err == nil && setting {
		err = json.Unmarshal(at, &now)
	}
	const century = 100 * 365 * 24 * 3600
	if err != nil || advancing == setting || advance < -century || advance > century {
		reply(w, http.StatusBadRequest, map[string]any{"error": `send {"advance_seconds": 60}, {"now": "2026-01-02T03:04:05Z"}, or {"now": null}`})
		return
	}
	switch {
	case advancing:
		s.clock.Advance(time.Duration(advance * float64(time.Second)))
	case now == nil:
		s.clock.Restore()
	default:
		s.clock.Set(*now)
	}
	reply(w, http.StatusOK, s.shownTime())
}

func (s *Server) shownTime() map[string]any {
	return map[string]any{"now": s.clock.Now().UTC().Format(time.RFC3339Nano)}
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone gets no answer
}
