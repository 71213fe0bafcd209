package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"doorward/internal/store/storetest"
)

// transcripts is where the recorded contract lies, from here.
var transcripts = filepath.Join("..", "..", "internal", "server", "servertest", "testdata", "contract")

// TestReplayAgainstBinary plays the recorded contract with a program that shares no code with us,
// against the program as it is installed.
func TestReplayAgainstBinary(t *testing.T) {
	demand(t, "python3")
	for name, database := range map[string]func(testing.TB, string) string{
		"sqlite":   func(_ testing.TB, folder string) string { return "sqlite:" + filepath.Join(folder, "doorward.db") },
		"postgres": func(t testing.TB, _ string) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			replay(t, folder, database(t, folder))
		})
	}
}

func replay(t *testing.T, folder, databaseURL string) {
	mail := filepath.Join(folder, "mail")
	if err := os.Mkdir(mail, 0o700); err != nil {
		t.Fatal(err)
	}
	p, base, err := start(folder, filepath.Join(folder, "log"), []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + folder, "DOORWARD_DEV=1", "DOORWARD_DATABASE_URL=" + databaseURL, "DOORWARD_MAIL_URL=file:" + mail,
		"DOORWARD_PASSWORD_MEMORY_KIB=64", "DOORWARD_PASSWORD_TIME=1",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{
		filepath.Join("..", "..", "e2e", "replay.py"), "--base", base, "--reset", "/dev/reset", "--mail-dir", mail,
		"--never", filepath.Join(transcripts, "never.json"),
	}, append(played(t, "tag1"), played(t, "accounts")...)...)
	said, err := exec.Command("python3", args...).CombinedOutput()
	if text := strings.TrimSpace(string(said)); err != nil || text != "64 passed, 0 failed" {
		t.Errorf("replay: %v\n%s", err, text)
	}
	if err := p.end(); err != nil {
		t.Errorf("stop the server: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "doorward-scratch-*")); len(left) > 0 {
		t.Errorf("scratch databases are left: %q", left)
	}
	if t.Failed() {
		t.Logf("the server said:\n%s", p.said())
	}
}

// played lists the transcripts of a dialect but for those of second factors, which come with them.
func played(t *testing.T, dialect string) (files []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(transcripts, dialect, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		later := false
		for _, prefix := range []string{"totp-", "static-", "otp-", "refresh-drops-otp"} {
			later = later || strings.HasPrefix(filepath.Base(file), prefix)
		}
		if !later {
			files = append(files, file)
		}
	}
	return files
}
