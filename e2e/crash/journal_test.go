package crash

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// step is a request that a writer made.
type step struct {
	Op       string `json:"op"`
	Email    string `json:"email"`
	Session  int    `json:"session"`            // which one of the user's asks
	Password string `json:"password,omitempty"` // the new one
	Name     string `json:"name,omitempty"`
}

// entry is a line of a journal: a request that will be sent, or the answer to the one before.
type entry struct {
	Step   *step   `json:"step,omitempty"`
	Answer *answer `json:"answer,omitempty"`
}

// journal is the file of one writer.
type journal struct{ file *os.File }

func openJournal(folder string, writer int) (*journal, error) {
	f, err := os.OpenFile(filepath.Join(folder, fmt.Sprintf("journal.%d", writer)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	return &journal{f}, err
}

// sending notes a request. It is not synced: that it was sent promises nothing.
func (j *journal) sending(s step) error { return j.write(entry{Step: &s}) }

// answered notes what was promised, and syncs it.
func (j *journal) answered(a answer) error {
	if err := j.write(entry{Answer: &a}); err != nil {
		return err
	}
	return j.file.Sync()
}

func (j *journal) write(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	return err
}

// readJournals gives the journals of a folder, one a writer.
func readJournals(t *testing.T, folder string) (logs [][]entry) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "journal.*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, name := range names {
		log, err := readJournal(name)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, log)
	}
	return logs
}

func readJournal(name string) (log []entry, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		log = append(log, e)
	}
	return log, lines.Err()
}
