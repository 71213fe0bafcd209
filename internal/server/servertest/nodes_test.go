package servertest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorward/internal/config"
)

// nodes are n servers on one new PostgreSQL database, with one key.
func nodes(t *testing.T, n int, change func(*config.Config)) []*Server {
	t.Helper()
	all := []*Server{Start(t, "postgres", change)}
	for len(all) < n {
		all = append(all, Start(t, "sqlite", func(cfg *config.Config) {
			if change != nil {
				change(cfg)
			}
			cfg.DatabaseURL, cfg.KeyFile = all[0].Config.DatabaseURL, all[0].Config.KeyFile
		}))
	}
	return all
}

// awaitFeed waits until a node remembers.
func (s *Server) awaitFeed(t *testing.T) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		text := string(s.Do(t, "GET", "/metrics", nil).Body)
		_, age, found := strings.Cut(text, "\ndoorward_feed_age_seconds ")
		if !found {
			t.Fatal("the metrics do not say how old the feed is")
		}
		if age, _, _ := strings.Cut(age, "\n"); strings.HasPrefix(age, "0.") || strings.Contains(age, "e-") {
			return
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatal("the feed is not followed")
		}
	}
}

// sql runs a statement past the server.
func (s *Server) sql(t *testing.T, text string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.Config.DatabaseURL)
	if err == nil {
		_, err = conn.Exec(t.Context(), text)
		err = errors.Join(err, conn.Close(t.Context()))
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// TestWhatIsRemembered disables a user where no trigger tells of it. Who still takes his token
// answers from memory, which is right for our own table alone: Django's processes tell nobody.
func TestWhatIsRemembered(t *testing.T) {
	for _, tt := range []struct {
		table, disable string
		remembered     bool
	}{
		{"", `alter table users disable trigger feed_user; update users set is_active = false`, true},
		{"spauser_spauser", `update spauser_spauser set is_active = false`, false},
	} {
		t.Run("table "+tt.table, func(t *testing.T) {
			t.Parallel()
			s := Start(t, "postgres", func(cfg *config.Config) { cfg.User.Table = tt.table })
			if tt.remembered {
				s.awaitFeed(t)
			}
			s.create(t, "ann@example.com", goodPassword)
			token := s.login(t, "ann@example.com", goodPassword)
			for range 5 {
				if words := s.view(t, token); words != "" {
					t.Fatalf("a good token: %s", words)
				}
			}
			s.sql(t, tt.disable)
			if words := s.view(t, token); (words == "") != tt.remembered {
				t.Errorf("got:  %q\nwant: an answer from memory: %v", words, tt.remembered)
			}
		})
	}
}

// TestOneNodeTellsTheOthers ends a token at the first node in each way, until it is dead at the second.
func TestOneNodeTellsTheOthers(t *testing.T) {
	s := nodes(t, 2, nil)
	s[1].awaitFeed(t)
	for _, path := range []string{"/v1/sign-out", "/v1/sign-out/everywhere", "/v1/sign-out/everywhere?wait=all"} {
		p := s[0].signUp(t, fmt.Sprintf("u%d@example.com", len(path)))
		for range 3 {
			if code := s[1].me(t, p.Access); code != "" {
				t.Fatalf("a good token at the other node: %s", code)
			}
		}
		s[0].post(t, 204, path, nil, nil, "Authorization", "Bearer "+p.Access)
		if code := s[0].me(t, p.Access); code != "session_ended" {
			t.Errorf("%s, at the same node\ngot:  %q\nwant: session_ended", path, code)
		}
		for begin := time.Now(); ; time.Sleep(time.Millisecond) {
			code := s[1].me(t, p.Access)
			if code == "session_ended" {
				break
			}
			if strings.Contains(path, "wait") || time.Since(begin) > 10*time.Second {
				t.Fatalf("%s, at the other node after %v\ngot:  %q\nwant: session_ended", path, time.Since(begin), code)
			}
		}
	}
}

func TestWaitingForAllWithoutOthers(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		p := s.signUp(t, "ann@example.com")
		s.post(t, 204, "/v1/sign-out/everywhere?wait=all", nil, nil, "Authorization", "Bearer "+p.Access)
		if code := s.me(t, p.Access); code != "session_ended" {
			t.Errorf("got:  %q\nwant: session_ended", code)
		}
	})
}

// TestKeysAreTakenOverAtOnce revokes the key that signs, past the server.
func TestKeysAreTakenOverAtOnce(t *testing.T) {
	s := nodes(t, 2, nil)
	p := s[0].signUp(t, "ann@example.com")
	s[0].awaitFeed(t)
	s[1].awaitFeed(t)
	s[0].sql(t, `update signing_keys set state = 4 where state = 2`)
	for i := range s {
		for begin := time.Now(); s[i].me(t, p.Access) != "token_invalid"; time.Sleep(time.Millisecond) {
			if time.Since(begin) > 10*time.Second {
				t.Fatalf("node %d takes a token under a revoked key", i)
			}
		}
		if p := s[i].signIn(t, "ann@example.com"); s[1-i].me(t, p.Access) != "" {
			t.Errorf("a token under the next key, of node %d, is not good at the other", i)
		}
	}
}
