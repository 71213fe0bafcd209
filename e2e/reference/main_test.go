package reference

import (
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"doorward/internal/config"
	"doorward/internal/server/servertest"
)

var (
	firstSeed = flag.Uint64("seed", 1, "the seed of the first round")
	rounds    = flag.Int("rounds", 4, "how many rounds of requests each condition gets")
)

// python runs the packages of Debian; another one on the path may not see them.
const python = "/usr/bin/python3"

// condition is what both servers are configured with: the head of a contract transcript.
type condition struct {
	name     string
	Dialect  string         `json:"dialect"`
	Variant  string         `json:"variant"`
	Model    string         `json:"user_model"`
	Settings map[string]any `json:"settings"`
}

// peer is one of the two servers.
type peer struct {
	name   string
	url    string
	mails  string            // the folder that they appear in
	vars   map[string]string // what its answers and mails said
	used   map[string]bool   // tokens that it took with nothing more to say: those of mails
	client *http.Client
	reset  func(t *testing.T, users []map[string]any)
}

func newPeer(name, url, mails string) *peer {
	// A connection each: Django answers HEAD with a body now and then.
	return &peer{name: name, url: url, mails: mails, client: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// startDjango starts the reference server until the test ends.
func startDjango(t *testing.T, c *condition) *peer {
	t.Helper()
	if err := exec.Command(python, "-c", "import django, rest_framework_simplejwt, djoser, gunicorn").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the Django stack is not there: %v", err)
		}
		t.Skip("the Django stack is not there; as root: scripts/reference install")
	}
	state := t.TempDir()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "condition.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(state, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	port := freePort(t)
	cmd := exec.Command(python, "project/serve.py", port)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "REFERENCE_STATE=" + state}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // its worker goes with it
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(state, "django.log"))
			t.Logf("the end of Django's log:\n%s", text[max(0, len(text)-4000):])
		}
	})
	p := newPeer("Django", "http://127.0.0.1:"+port, filepath.Join(state, "mail"))
	p.reset = func(t *testing.T, users []map[string]any) {
		p.send(t, "/__reference__/reset", map[string]any{"users": users})
	}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		res, err := p.client.Get(p.url + "/nowhere")
		if err == nil {
			_ = res.Body.Close()
			return p
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("Django is not ready: %v\n%s", err, text)
		}
	}
}

// startDoorward starts ours, and puts it in the condition at each reset.
func startDoorward(t *testing.T, c *condition) *peer {
	t.Helper()
	mails := t.TempDir()
	s := servertest.Start(t, "sqlite", func(cfg *config.Config) { cfg.MailURL = "file:" + mails })
	p := newPeer("Doorward", s.URL, mails)
	p.reset = func(t *testing.T, users []map[string]any) {
		emptied(t, mails)
		p.send(t, "/dev/reset", map[string]any{
			"dialect": c.Dialect, "variant": c.Variant, "user_model": c.Model, "settings": c.Settings,
			"setup": map[string]any{"users": users},
		})
	}
	return p
}

// send posts to a route that only tests know.
func (p *peer) send(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.client.Post(p.url+path, "application/json", strings.NewReader(string(text)))
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusNoContent {
		t.Fatalf("%s of %s: %d %s", path, p.name, res.StatusCode, body)
	}
}

// begin empties the peer for a round.
func (p *peer) begin(t *testing.T, users []map[string]any) {
	t.Helper()
	p.reset(t, users)
	p.vars, p.used = map[string]string{}, map[string]bool{}
}

func emptied(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

func (p *peer) host() string { return strings.TrimPrefix(p.url, "http://") }
