package mail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorward/internal/mail/mailtest"
)

// recovery is the promise: an outage's mails are out within a minute of its end. Kills have another
// minute, for the claims of the dead.
const recovery = time.Minute

var built struct {
	once   sync.Once
	folder string
	err    error
}

// binary builds the server once a run.
func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.folder, built.err = os.MkdirTemp("", "doorward-mail-"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(built.folder, "doorward"), "./cmd/doorward")
		cmd.Dir = filepath.Join("..", "..")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.folder, "doorward")
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.folder != "" {
		_ = os.RemoveAll(built.folder)
	}
	os.Exit(code)
}

// node is a server in a folder of its own, that mails to smtp.
type node struct {
	folder, addr string
	smtp         *mailtest.Server
	cmd          *exec.Cmd
	exited       chan struct{}
}

// config is production: djoser 2 with activation, and passwords that cost next to nothing.
const config = `
mail_url = "%s"
public_url = "https://app.example.com"
allowed_hosts = ["127.0.0.1"]
secret_key = "f4nF0ZJq8mXcYt1sB7uWv2Ke9RpLdGh5"
[log]
level = "warn"
[password]
memory_kib = 7168
time = 5
queue_seconds = 60
[mounts.djoser]
activation_url = "activate/{uid}/{token}"
mails = ["activation"]
`

func newNode(t *testing.T, smtp *mailtest.Server) *node {
	t.Helper()
	n := &node{folder: t.TempDir(), smtp: smtp}
	text := fmt.Sprintf(config, smtp.URL("smtp"))
	if err := os.WriteFile(filepath.Join(n.folder, "doorward.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n.start(t)
	return n
}

func (n *node) start(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.addr = ln.Addr().String()
	_ = ln.Close()
	log, err := os.OpenFile(filepath.Join(n.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n.cmd, n.exited = exec.Command(binary(t), "serve", "--addr", n.addr), make(chan struct{})
	n.cmd.Dir, n.cmd.Stdout, n.cmd.Stderr = n.folder, log, log
	n.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = n.cmd.Wait()
		close(n.exited)
	}()
	t.Cleanup(n.kill)
	await(t, "the server is ready", 20*time.Second, func() bool {
		res, err := http.Get("http://" + n.addr + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, n)
}

// kill is kill -9.
func (n *node) kill() {
	_ = n.cmd.Process.Kill() // an error: it has ended
	<-n.exited
}

func (n *node) log() string {
	text, _ := os.ReadFile(filepath.Join(n.folder, "log")) // without one there is nothing to show
	return string(text)
}

// signUp makes a user, and reports whether that was acknowledged, and after how long.
func (n *node) signUp(name string) (took time.Duration, err error) {
	return n.post("/auth/users/", http.StatusCreated, map[string]string{"username": name, "email": name + "@example.com", "password": "correct-horse-9"})
}

// askForReset asks for the link that sets a new password. Who is not active yet gets none, which costs the same (ADR 0018).
func (n *node) askForReset(name string) (took time.Duration, err error) {
	return n.post("/auth/users/reset_password/", http.StatusNoContent, map[string]string{"email": name + "@example.com"})
}

func (n *node) post(path string, want int, members map[string]string) (took time.Duration, err error) {
	body, err := json.Marshal(members)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	res, err := http.Post("http://"+n.addr+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("%s of %v: %d %s", path, members, res.StatusCode, text)
	}
	return time.Since(began), err
}

func await(t *testing.T, what string, within time.Duration, holds func() bool, n *node) {
	t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain: %s\n%s", within, what, n.log())
		}
	}
}

// TestSignUpsDoNotWaitForSMTP is R7: while the mail server is in a bad mood sign-ups answer as
// ever, and every mail leaves in time when it is well again.
func TestSignUpsDoNotWaitForSMTP(t *testing.T) {
	for name, mood := range map[string]mailtest.Mood{
		"refusing": mailtest.Refusing, "slow": mailtest.Slow, "a tarpit": mailtest.Dripping, "deferring": mailtest.Deferring,
	} {
		t.Run(name, func(t *testing.T) {
			smtp := (&mailtest.Server{}).Start(t)
			smtp.Set(mood)
			n := newNode(t, smtp)
			const people = 100
			var took, resets []time.Duration
			var names []string
			for i := range people {
				names = append(names, fmt.Sprintf("u%03d", i))
				d, err := n.signUp(names[i])
				if err != nil {
					t.Fatal(err)
				}
				took = append(took, d)
				if d, err = n.askForReset(names[i]); err != nil {
					t.Fatal(err)
				}
				resets = append(resets, d)
			}
			slices.Sort(took)
			slices.Sort(resets)
			t.Logf("resets while SMTP is %s: p50 %s, p99 %s", name, resets[people/2], resets[people*99/100])
			t.Logf("sign-ups while SMTP is %s: p50 %s, p99 %s, longest %s", name, took[people/2], took[people*99/100], took[people-1])
			// What hangs on SMTP hangs for seconds: on a machine that others use too, this tells.
			if half := max(took[people/2], resets[people/2]); half > 3*time.Second {
				t.Errorf("half of the sign-ups, or of the resets, took %s or more", half)
			}
			smtp.Set(mailtest.Well)
			began := time.Now()
			await(t, "every mail is out", recovery, func() bool { return len(messages(smtp)) == people }, n)
			t.Logf("every mail left within %s", time.Since(began).Round(time.Millisecond))
			mails := messages(smtp)
			for _, name := range names {
				if got := len(mails[name+"@example.com"]); got != 1 {
					t.Errorf("%s got %d mails, want 1", name, got)
				}
			}
			if !strings.Contains(smtp.Mails()[0].Text(), "https://app.example.com/activate/") {
				t.Errorf("no link in:\n%s", smtp.Mails()[0].Text())
			}
		})
	}
}

// late is how much later than its sender's death a mail may be read to its end: it is on its way.
const late = 5 * time.Second

// killed is when a kill began and when the server was gone.
type killed struct{ began, ended time.Time }

// TestKillLosesNoMail kills the server again and again, while it sends and while mails wait for a mail server that
// is away. It judges message by message: each mail of an acknowledged sign-up comes, as one message; one comes
// twice only where a kill took the answer to the first, byte for byte the same, and none three times.
func TestKillLosesNoMail(t *testing.T) {
	smtp := (&mailtest.Server{}).Start(t)
	n := newNode(t, smtp)
	const kills = 6
	var acknowledged []string
	var when []killed
	waiting := 0 // mails that a kill left in the outbox
	for k := range kills {
		done := make(chan []string)
		if k%2 == 1 {
			smtp.Set(mailtest.Refusing)
		}
		go func() {
			var names []string
			for i := 0; ; i++ {
				name := fmt.Sprintf("k%d-%03d", k, i)
				if _, err := n.signUp(name); err != nil {
					break // killed
				}
				names = append(names, name)
			}
			done <- names
		}()
		time.Sleep(time.Duration(100+rand.IntN(900)) * time.Millisecond)
		began := time.Now()
		n.kill()
		when = append(when, killed{began, time.Now()})
		acknowledged = append(acknowledged, <-done...)
		came := messages(smtp)
		for _, name := range acknowledged {
			if len(came[name+"@example.com"]) == 0 {
				waiting++
			}
		}
		smtp.Set(mailtest.Well)
		n.start(t)
	}
	if waiting == 0 {
		t.Fatalf("no mail waited when the server was killed: nothing was tried")
	}
	await(t, "the outbox is empty", 2*recovery, n.sentAll, n)
	came := messages(smtp)
	for _, name := range acknowledged {
		if len(came[name+"@example.com"]) == 0 {
			t.Errorf("the mail of %s is lost", name)
		}
	}
	doubled := 0
	for to, list := range came {
		if len(list) == 1 {
			continue
		}
		doubled++
		first, second := list[0], list[1]
		if len(list) > 2 || first.ID() != second.ID() || !bytes.Equal(first.Source, second.Source) {
			t.Errorf("%s got %d mails, with the ids %s and %s: want one message, twice at most", to, len(list), first.ID(), second.ID())
		}
		if !slices.ContainsFunc(when, func(k killed) bool { return first.At.Before(k.ended.Add(late)) && second.At.After(k.began) }) {
			t.Errorf("%s got his mail at %s and at %s, and no kill was between", to, first.At, second.At)
		}
	}
	t.Logf("%d sign-ups, %d kills, %d mails waited at one, %d mails came twice", len(acknowledged), kills, waiting, doubled)
}

// messages are the mails that each address got, in the order in which they came.
func messages(s *mailtest.Server) map[string][]mailtest.Mail {
	all := map[string][]mailtest.Mail{}
	for _, m := range s.Mails() {
		all[m.To] = append(all[m.To], m)
	}
	return all
}

// sentAll reports whether no mail waits, by the server's own count.
func (n *node) sentAll() bool {
	res, err := http.Get("http://" + n.addr + "/metrics")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return err == nil && strings.Contains(string(text), "\ndoorward_mails_waiting 0\n")
}
