package crash

import (
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	kills      = flag.Int("kills", number("CRASH_KILLS", 20), "how often TestKill kills the server")
	life       = flag.Duration("life", 500*time.Millisecond, "how long a server lives under load at most before it is killed")
	cuts       = flag.Int("cuts", number("CRASH_CUTS", 10), "how often TestPowerLoss cuts the power")
	restarts   = flag.Int("restarts", number("CRASH_RESTARTS", 4), "how many nodes TestRollingRestart restarts")
	backups    = flag.Int("backups", number("CRASH_BACKUPS", 5), "how often TestKillBackup and TestKillRestore kill theirs")
	migrations = flag.Int("migrations", number("CRASH_MIGRATIONS", 5), "how often TestKillMigration kills a migration")
	gone       = flag.Duration("gone", 2500*time.Millisecond, "how long TestDatabaseAway takes the database away")
	soak       = flag.Bool("soak", false, "hold times to what is promised, on a machine that does nothing else, and run what takes long")
	revoked    = flag.Int("revocations", number("CRASH_REVOCATIONS", 60), "how many tokens TestRevocations ends")
	tight      = flag.Bool("tight", false, "hold TestRevocations to the promise for a quiet machine: p99 1 s, all 2 s")
	steps      = flag.Int("steps", number("CRASH_STEPS", 300), "how many operations TestHistory does")
	rate       = flag.Int("rate", 100, "requests a second in TestRollingRestart")
	fixed      = flag.Uint64("seed", uint64(number("CRASH_SEED", 0)), "what chance is drawn from; 0: another one each time")
)

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if built.folder != "" {
		_ = os.RemoveAll(built.folder)
	}
	os.Exit(code)
}

// chance gives the test's randomness. It says the seed, and after a failure how to repeat the run.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *fixed
	if seed == 0 {
		seed = rand.Uint64() >> 32
	}
	t.Logf("seed %d", seed)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d; to repeat: go test ./e2e/crash -count 1 -run '^%s$' -seed %d%s", seed, t.Name(), seed, otherFlags())
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// otherFlags are the flags of this package that were set, as one types them.
func otherFlags() (text string) {
	flag.Visit(func(f *flag.Flag) {
		if f.Name != "seed" && !strings.HasPrefix(f.Name, "test.") {
			text += fmt.Sprintf(" -%s %s", f.Name, f.Value)
		}
	})
	for name, value := range map[string]int{"kills": *kills, "cuts": *cuts, "restarts": *restarts, "backups": *backups, "migrations": *migrations, "revocations": *revoked, "steps": *steps} {
		if variable := "CRASH_" + strings.ToUpper(name); os.Getenv(variable) != "" && !strings.Contains(text, " -"+name+" ") {
			text += fmt.Sprintf(" -%s %d", name, value)
		}
	}
	return text
}

// built is the binary under test, made once a run.
var built struct {
	once   sync.Once
	folder string
	err    error
}

func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() { built.folder, built.err = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.folder, "doorward")
}

func build() (folder string, err error) {
	root := filepath.Join("..", "..")
	for _, room := range []string{"cmd", "internal"} {
		if err := lookAt(filepath.Join(root, room)); err != nil {
			return "", err
		}
	}
	if folder, err = os.MkdirTemp("", "doorward-crash-"); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", filepath.Join(folder, "doorward"), "./cmd/doorward")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return folder, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return folder, nil
}

// lookAt touches the sources that the binary is made of. No import of ours leads to them, and
// `go test` would answer (cached) after they changed.
func lookAt(room string) error {
	return filepath.WalkDir(room, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			_, err = os.Stat(path)
		}
		return err
	})
}

// need skips a test that lacks a program, and fails it where CI is set.
func need(t *testing.T, program, install string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		unable(t, fmt.Sprintf("%s was not found: install it (Debian: apt install %s)", program, install))
	}
}

func unable(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// workshop is a folder that stays when the test fails.
func workshop(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "doorward-crash-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what is left of it lies in %s", folder)
			return
		}
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}
