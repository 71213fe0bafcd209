// Package doorward holds the tests of the house itself.
package doorward

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// floors says on which floor each room stands. A room imports rooms of lower floors only.
var floors = []struct {
	room  string
	floor int
}{
	{"bench", 80},
	{"bench/simulate", 80},
	{"e2e/crash", 80},
	{"e2e/mail", 80},
	{"e2e/reference", 80},
	{"cmd/doorward", 70},
	{"internal/server/servertest", 60},
	{"internal/server", 50},
	{"internal/django", 42},
	{"internal/web/djoser", 42},
	{"internal/web/drfjwt", 42},
	{"internal/web/envelope", 42},
	{"internal/web/native", 42},
	{"internal/web/profiles", 42},
	{"internal/web/restauth", 42},
	{"internal/web/openapi", 42},
	{"internal/web/simplejwt", 42},
	{"internal/web/users", 42},
	{"internal/web/drf", 41},
	{"internal/journal", 30},
	{"internal/account/accounttest", 30},
	{"internal/store/storetest", 30},
	{"internal/mail", 20},
	{"internal/store", 20},
	{"internal/web", 20},
	{"internal/account", 10},
	{"internal/config", 0},
	{"internal/language", 0},
	{"internal/mail/mailtest", 0},
	{"internal/password", 0},
	{"internal/token", 0},
	{"internal/mail/wording", 0},
	{"internal/pattern", -10},
	{"internal/password/argon2id", -10},
	{"internal/password/pbkdf2", -10},
}

func floorOf(room string) (int, bool) {
	for _, f := range floors {
		if f.room == room {
			return f.floor, true
		}
	}
	return 0, false
}

// owners are the modules that one room alone imports, so that one room can drop them; "" are the
// tests.
var owners = map[string]string{
	"modernc.org/sqlite":          "internal/store",
	"github.com/jackc/pgx":        "internal/store",
	"github.com/pressly/goose":    "internal/store",
	"github.com/pelletier":        "internal/config",
	"golang.org/x/crypto":         "internal/password",
	"golang.org/x/text":           "internal/account",
	"golang.org/x/net":            "internal/account",
	"github.com/alecthomas/kong":  "cmd/doorward",
	"golang.org/x/term":           "cmd/doorward",
	"github.com/wneessen":         "internal/mail",
	"github.com/golang-jwt":       "",
	"github.com/rogpeppe":         "",
	"pgregory.net/rapid":          "",
	"go.uber.org/goleak":          "",
	"github.com/google/go-cmp":    "",
	"github.com/stretchr/testify": "",
}

type listed struct {
	ImportPath string
	Imports    []string
}

func rooms(t *testing.T) (list []listed) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatalf("read go list: %v", err)
		}
		list = append(list, p)
	}
	return list
}

func TestEveryRoomImportsLowerFloorsOnly(t *testing.T) {
	for _, p := range rooms(t) {
		room := strings.TrimPrefix(p.ImportPath, "doorward/")
		if p.ImportPath == "doorward" || strings.HasPrefix(room, "tools") {
			continue
		}
		floor, ok := floorOf(room)
		if !ok {
			t.Errorf("%s stands on no floor: give it one in house_test.go, or put it into another room", room)
			continue
		}
		for _, imported := range p.Imports {
			other, ours := strings.CutPrefix(imported, "doorward/")
			if !ours {
				continue
			}
			if below, ok := floorOf(other); !ok || below >= floor {
				t.Errorf("%s imports %s, which is not on a lower floor", room, other)
			}
		}
	}
}

func TestOneRoomImportsAModule(t *testing.T) {
	for _, p := range rooms(t) {
		room := strings.TrimPrefix(p.ImportPath, "doorward/")
		for _, imported := range p.Imports {
			for module, owner := range owners {
				own := room == owner || strings.HasPrefix(room, owner+"/") || owner == "" && strings.HasSuffix(room, "test")
				if strings.HasPrefix(imported, module) && !own {
					t.Errorf("%s imports %s, which is for %q alone", room, imported, owner)
				}
			}
		}
	}
}

// TestTheDomainKnowsNoOutside holds that the domain speaks neither HTTP nor SQL.
func TestTheDomainKnowsNoOutside(t *testing.T) {
	for _, p := range rooms(t) {
		if p.ImportPath != "doorward/internal/account" {
			continue
		}
		for _, imported := range p.Imports {
			if imported == "net/http" || strings.HasPrefix(imported, "database/") {
				t.Errorf("account imports %s", imported)
			}
		}
	}
}

// habits are what no source of ours does, tests aside, and where it may.
var habits = []struct {
	name    string
	pattern *regexp.Regexp
	allowed []string
}{
	{"one clock", regexp.MustCompile(`\btime\.(Now|Since|Until)\(`), []string{"internal/password/", "bench/", "internal/store/"}},
	{"no chance that can be guessed", regexp.MustCompile(`"math/rand`), nil},
	{"no plain comparison of secrets", regexp.MustCompile(`bytes\.Equal\(`), nil},
	{"errors are returned", regexp.MustCompile(`\blog\.(Fatal|Print)|os\.Exit\(`), []string{"cmd/doorward/main.go", "bench/"}},
}

func TestHabits(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		if d.IsDir() && (strings.HasPrefix(path, ".") && path != "." || strings.HasSuffix(path, "test")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, h := range habits {
			if m := h.pattern.Find(text); m != nil && !allowed(h.allowed, path) {
				t.Errorf("%s has %q: %s", path, m, h.name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func allowed(prefixes []string, path string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}
