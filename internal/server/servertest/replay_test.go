package servertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const contract = "testdata/contract"

// later are the scenarios of second factors, which come with them.
var later = []string{"totp-", "static-", "otp-", "refresh-drops-otp"}

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
		if !isLater(e.Name()) {
			list = append(list, dialect+"/"+e.Name())
		}
	}
	return list
}

func TestTranscripts(t *testing.T) {
	never := ReadDivergences(t, filepath.Join(contract, "never.json"))
	var played []string
	for dialect, want := range map[string]int{"tag1": 35, "simplejwt": 25} {
		found := files(t, dialect)
		if len(found) != want {
			t.Fatalf("%d transcripts of %s are played, want %d", len(found), dialect, want)
		}
		played = append(played, found...)
	}
	for _, engine := range Engines {
		for _, file := range played {
			t.Run(engine+"/"+file, func(t *testing.T) {
				t.Parallel()
				Replay(t, Start(t, engine, nil), ReadTranscript(t, contract, file), never)
			})
		}
	}
}
