//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain is also what the program is when it starts itself as a ruler or to seed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "ruler" || os.Args[1] == "seed") {
		os.Exit(start(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestShortRun holds that figures come out. What they are is not for a test on a shared machine.
func TestShortRun(t *testing.T) {
	var out, talk bytes.Buffer
	file := filepath.Join(t.TempDir(), "figures.json")
	code := start([]string{
		"--short", "--engine", engineSQLite, "--only", "start,me,refresh,sign-out", "--window", "300ms", "--json", file,
	}, &out, &talk)
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, talk.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var result struct{ Rows []row }
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Rows) != 5 {
		t.Fatalf("%d rows, want 5: start, me twice, refresh, sign-out\n%s", len(result.Rows), out.String())
	}
	for _, r := range result.Rows {
		if r.Ours.Median <= 0 || r.Workload != "sign-out" && r.Ratio.Median <= 0 {
			t.Errorf("%s: ours %v, ratio %v, want more than nothing", r.What, r.Ours, r.Ratio)
		}
		if r.Workload == "sign-out" && !*r.Met {
			t.Errorf("%s: %s", r.What, r.Note)
		}
		if !strings.Contains(out.String(), "| "+r.What+" |") {
			t.Errorf("the table lacks %q:\n%s", r.What, out.String())
		}
	}
}

func TestQuantile(t *testing.T) {
	h := &histogram{}
	for i := 1; i <= 100_000; i++ {
		h.add(int64(i) * int64(time.Microsecond))
	}
	for _, tt := range []struct {
		q    float64
		want time.Duration
	}{
		{0, time.Microsecond}, {0.5, 50 * time.Millisecond}, {0.99, 99 * time.Millisecond}, {1, 100 * time.Millisecond},
	} {
		got := h.quantile(tt.q)
		if got < tt.want || float64(got) > float64(tt.want)*1.016 {
			t.Errorf("quantile %v = %v, want %v to 1.6 %% more", tt.q, got, tt.want)
		}
	}
	if got := new(histogram).quantile(0.5); got != 0 {
		t.Errorf("quantile of nothing = %v, want 0", got)
	}
}

func TestBucketsTouch(t *testing.T) {
	for _, v := range []int64{0, 1, 63, 64, 127, 128, 129, 1000, 1 << 40, 1<<62 + 12345, 1<<63 - 1} {
		b := bucketOf(v)
		if v > highest(b) || b > 0 && v <= highest(b-1) {
			t.Errorf("%d is in bucket %d, which goes from %d to %d", v, b, highest(b-1)+1, highest(b))
		}
	}
}

func TestParseAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		status   int
		body     string
		size     int
		refused  bool
	}{
		{"whole", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", 40, false},
		{"its head in lower case", "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nhi", 401, "hi", 50, false},
		{"without a body", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", 204, "", 33, false},
		{"half a head", "HTTP/1.1 200 OK\r\nContent-Le", 0, "", 0, false},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", 200, "", 0, false},
		{"without a length", "HTTP/1.1 200 OK\r\nX: y\r\n\r\nhi", 200, "", 0, true},
		{"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, "", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, size, err := parseAnswer([]byte(tt.in))
			if tt.refused {
				if !errors.Is(err, errResponse) {
					t.Errorf("%q: got %v, want it refused", tt.in, err)
				}
				return
			}
			if err != nil || a.status != tt.status || string(a.body) != tt.body || size != tt.size {
				t.Errorf("%q: got %d %q of %d bytes, %v; want %d %q of %d", tt.in, a.status, a.body, size, err, tt.status, tt.body, tt.size)
			}
		})
	}
}

func TestRulersJudgeTokens(t *testing.T) {
	for name, key := range rulerKeys {
		token := signToken(key, 7)
		if !verifyToken(token, key.verify) {
			t.Errorf("%s: its own token %q is refused", name, token)
		}
		if bad := forged(token); verifyToken(bad, key.verify) || len(bad) != len(token) {
			t.Errorf("%s: the forged token %q is taken", name, bad)
		}
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"--short --full", "do not go together"},
		{"--engine mysql", "--engine takes"},
		{"--only you", `no "you"`},
		{"--url http://127.0.0.1:1", "--pid"},
		{"--token x", "--url"},
		{"me", "no flag"},
	} {
		if _, err := parseOptions(strings.Fields(tt.args), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("bench %s: got %v, want it to say %q", tt.args, err, tt.want)
		}
	}
	for _, url := range []string{"http://192.0.2.1:80", "https://127.0.0.1:1", "http://127.0.0.1:1/path", "127.0.0.1:80"} {
		if _, _, err := localAddr(url); err == nil {
			t.Errorf("--url %s is taken", url)
		}
	}
}
