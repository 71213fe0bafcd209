package servertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Transcript is a scenario recorded from a real Django; README.md beside the transcripts has the
// format.
type Transcript struct {
	Name     string          `json:"name"`
	Dialect  string          `json:"dialect"`
	Variant  string          `json:"variant"`
	Model    string          `json:"user_model"`
	Settings json.RawMessage `json:"settings"`
	Setup    json.RawMessage `json:"setup"`
	Steps    []Step          `json:"steps"`

	file string // below the folder of all transcripts: "tag1/login-errors.json"
}

// Step is one request and what came back.
type Step struct {
	ID      string            `json:"id"`
	WaitS   float64           `json:"wait_s"`
	Request *Request          `json:"request"`
	Expect  Expect            `json:"expect"`
	Capture map[string]string `json:"capture"`
	Mails   expectMails       `json:"expect_mail"`
}

// Request is what a step sends.
type Request struct {
	Method    string            `json:"method"`
	Path      string            `json:"path"`
	Headers   map[string]string `json:"headers"`
	JSON      json.RawMessage   `json:"json"`
	Form      map[string]any    `json:"form"`
	Multipart map[string]any    `json:"multipart"`
	Raw       *string           `json:"raw"`
	RawBase64 []byte            `json:"raw_b64"`
}

// Expect is what must come back.
type Expect struct {
	Status  int                  `json:"status"`
	Headers map[string]*string   `json:"headers"` // null: absent
	JSON    json.RawMessage      `json:"json"`
	Text    *string              `json:"text"`
	Empty   bool                 `json:"empty"`
	JWT     map[string]ExpectJWT `json:"jwt"`
	Cookies *ExpectCookies       `json:"cookies"`
	Fields  []string             `json:"fields"` // of the forms of a page; nil: not said
}

// ExpectCookies are the cookies that an answer sets and deletes.
type ExpectCookies struct {
	Set     []string `json:"set"`
	Deleted []string `json:"deleted"`
	// Attributes are those of a cookie by its name, sorted and without Expires: "Max-Age=300; Path=/".
	Attributes map[string]string `json:"attributes"`
}

// ExpectJWT is what a token in the answer must be.
type ExpectJWT struct {
	Header   any     `json:"header"`
	Claims   any     `json:"claims"`
	Lifetime float64 `json:"lifetime"` // seconds, give or take 5
	Signed   bool    `json:"signed"`
}

// ReadTranscript reads the transcript dir/file.
func ReadTranscript(t testing.TB, dir, file string) *Transcript {
	t.Helper()
	tr := &Transcript{file: file}
	readJSON(t, filepath.Join(dir, file), tr)
	return tr
}

// Divergence is our own answer to a recorded step.
type Divergence struct {
	File   string `json:"file"`
	Step   string `json:"step"`
	Expect Expect `json:"expect"`
	Why    string `json:"why"`
}

// ReadDivergences reads a list of them.
func ReadDivergences(t testing.TB, path string) []Divergence {
	t.Helper()
	var list []Divergence
	readJSON(t, path, &list)
	return list
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
}
