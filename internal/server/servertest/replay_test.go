package servertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const contract = "testdata/contract"

// later are the scenarios of second factors, which come with them.
var later = []string{
	"tag1/totp-", "tag1/static-", "tag1/otp-", "tag1/refresh-drops-otp",
}

// played says how many transcripts of each dialect are played.
var played = map[string]int{"tag1": 35, "djoser": 135, "djoser1": 34, "simplejwt": 25, "accounts": 29, "profiles": 20, "events": 8, "userapi": 40, "restauth": 10}

func isLater(file string) bool {
	for _, prefix := range later {
		if strings.HasPrefix(file, prefix) {
			return true
		}
	}
	return false
}

// files lists the transcripts of a dialect that can be played today.
func files(t testing.TB, dialect string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(contract, dialect))
	if err != nil {
		t.Fatalf("list the transcripts of %s: %v", dialect, err)
	}
	for _, e := range entries {
		if !isLater(dialect + "/" + e.Name()) {
			list = append(list, dialect+"/"+e.Name())
		}
	}
	return list
}

func TestTranscripts(t *testing.T) {
	never := ReadDivergences(t, filepath.Join(contract, "never.json"))
	for dialect, count := range played {
		played := files(t, dialect)
		if len(played) != count {
			t.Errorf("%d transcripts of %s are played, want %d", len(played), dialect, count)
		}
		for _, engine := range Engines {
			for _, file := range played {
				t.Run(engine+"/"+file, func(t *testing.T) {
					t.Parallel()
					Replay(t, Start(t, engine, FileMail(t)), ReadTranscript(t, contract, file), never)
				})
			}
		}
	}
}
