package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the real program too: run under the name doorward it calls main.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"doorward": main})
}

// TestScripts runs the program as an operator does. Beside testscript's own commands there are:
//
//	serve NAME [KEY=VALUE...] [FLAG...]  start doorward serve; $NAME is its base URL, NAME.log its talk
//	halt NAME                            stop it by SIGTERM, and demand exit 0
//	certificate NAME                     write NAME.pem, good for 127.0.0.1 and an hour, and NAME.key
//	hangup NAME TEXT                     send it SIGHUP, and wait until it has said TEXT
//	curl ARG...                          curl; stdout is the body, then the status on a line of its own
//	take VAR FIELD                       $VAR becomes a field of the JSON in stdout's first line
//	exits CODE COMMAND ARG...            exec that demands an exit code
//	brief                                demand that stderr has three lines at most
//	mode OCTAL FILE                      demand a file mode
func TestScripts(t *testing.T) {
	demand(t, "curl", "sqlite3")
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), RequireExplicitExec: true, RequireUniqueNames: true, Setup: setUp,
		Deadline: time.Now().Add(2 * time.Minute), // a command that hangs fails by then
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "halt": halt, "curl": curl, "take": take, "exits": exits, "brief": brief, "mode": mode,
			"certificate": certificate, "hangup": hangup,
		},
	})
}

// demand skips a test where programs are missing that are packages of the same name. In CI it fails.
func demand(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not there, and must be in CI: install the package %s", name, name)
		}
		t.Skipf("%s is not there: install the package %s to run this test", name, name)
	}
}

// started are the servers of one script, by name; environment is what its programs begin with.
type (
	startedKey     struct{}
	environmentKey struct{}
)

// setUp gives a script the examples, and an environment in which a server finds nothing configured.
func setUp(env *testscript.Env) error {
	examples, err := filepath.Glob(filepath.Join("..", "..", "examples", "*.toml"))
	if err != nil || len(examples) == 0 {
		return fmt.Errorf("no examples were found: %w", err)
	}
	folder := filepath.Join(env.WorkDir, "examples")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range examples {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(name)), text, 0o644); err != nil {
			return err
		}
	}
	env.Setenv("CHEAP", "DOORWARD_PASSWORD_MEMORY_KIB=64") // of a hash, in development mode
	env.Values[startedKey{}] = map[string]*process{}
	env.Values[environmentKey{}] = env.Vars
	return nil
}

// process is a server that runs beside a test.
type process struct {
	cmd  *exec.Cmd
	log  string // path of what it said
	done chan struct{}
	err  error // of its end; read it after done
}

var address = regexp.MustCompile(`127\.0\.0\.1:[1-9]\d*`)

// start runs doorward serve on a free port and waits until it listens; base is its URL.
func start(dir, log string, environ, flags []string) (p *process, base string, err error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, "", err
	}
	defer out.Close() // the process has its own
	program, err := exec.LookPath("doorward")
	if err != nil {
		return nil, "", err
	}
	p = &process{cmd: exec.Command(program, append([]string{"serve", "--addr", "127.0.0.1:0"}, flags...)...), log: log, done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, environ, out, out
	if err := p.cmd.Start(); err != nil {
		return nil, "", err
	}
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	for begin := time.Now(); time.Since(begin) < 20*time.Second; {
		text := p.said()
		if strings.Contains(text, "Ctrl-C stops.\n\n") || strings.Contains(text, `"msg":"listening"`) {
			return p, "http://" + address.FindString(text), nil
		}
		select {
		case <-p.done:
			return nil, "", fmt.Errorf("the server ended: %w\n%s", p.err, p.said())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil, "", errors.Join(fmt.Errorf("the server does not listen:\n%s", p.said()), p.end())
}

func (p *process) said() string {
	text, _ := os.ReadFile(p.log) // what is not there was not said
	return string(text)
}

// end stops the process by SIGTERM; one that does not follow is killed, which is an error.
func (p *process) end() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
		return errors.New("the server did not stop after SIGTERM")
	}
	return p.err
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: serve NAME [KEY=VALUE...] [FLAG...]")
	}
	name, args := args[0], args[1:]
	environ := append([]string(nil), ts.Value(environmentKey{}).([]string)...)
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		environ, args = append(environ, args[0]), args[1:]
	}
	p, base, err := start(ts.MkAbs("."), filepath.Join(ts.Getenv("WORK"), name+".log"), environ, args)
	ts.Check(err)
	ts.Value(startedKey{}).(map[string]*process)[name] = p
	ts.Setenv(name, base)
	ts.Setenv(name+"_ADDR", strings.TrimPrefix(base, "http://"))
	ts.Defer(func() {
		_ = p.end() // a script that cares has halted it
		ts.Logf("[%s said]\n%s", name, p.said())
	})
}

func halt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: halt NAME")
	}
	p := ts.Value(startedKey{}).(map[string]*process)[args[0]]
	if p == nil {
		ts.Fatalf("no server is called %s", args[0])
	}
	ts.Check(p.end())
}

func curl(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("curl", append([]string{"--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}\n"}, args...)...)
	if (err != nil) != neg {
		ts.Fatalf("curl: %v", err)
	}
}

func take(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: take VAR FIELD")
	}
	line, _, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	var fields map[string]any
	ts.Check(json.Unmarshal([]byte(line), &fields))
	path := strings.Split(args[1], ".") // tokens.access
	for _, name := range path[:len(path)-1] {
		fields, _ = fields[name].(map[string]any)
	}
	value, ok := fields[path[len(path)-1]]
	if !ok {
		ts.Fatalf("no field %s in %s", args[1], line)
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func brief(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile("stderr")
	if n := strings.Count(text, "\n"); neg || len(args) != 0 || n == 0 || n > 3 || !strings.HasPrefix(text, "error: ") {
		ts.Fatalf("want an error of one to three lines, got:\n%s", text)
	}
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm(); got != fs.FileMode(want) {
		ts.Fatalf("%s has mode %04o, want %04o", args[1], got, want)
	}
}
