package web

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestAPathFindsItsEntry(t *testing.T) {
	var tab table
	for _, path := range []string{
		"/a/", "/a/me/", "/a/{id}/", "/a/{id}/{sub}/", "/files/{name...}", "/deep/{rest...}", "/deep/er/{id}", "/open/do{rest...}", "/n/{id:int}/", "/n/{id:int}", "/n/{name}",
	} {
		if err := tab.add(&entry{path: path}); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ name, path, want, values string }{
		{"a fixed path", "/a/", "/a/", ""},
		{"a fixed path goes before a wildcard", "/a/me/", "/a/me/", ""},
		{"a wildcard takes one segment", "/a/7/", "/a/{id}/", "id=7"},
		{"two wildcards take two", "/a/7/x/", "/a/{id}/{sub}/", "id=7 sub=x"},
		{"three are too many", "/a/7/x/y/", "", ""},
		{"a wildcard takes no empty segment", "/a//", "", ""},
		{"nor does the second one", "/a/7//", "", ""},
		{"the slash at the end counts", "/a/7", "", ""},
		{"the case of letters counts", "/A/", "", ""},
		{"a segment may hold anything else", "/a/..%/", "/a/{id}/", "id=..%"},
		{"the rest may be long", "/files/a/b//c", "/files/{name...}", "name=a/b//c"},
		{"the rest may be empty", "/files/", "/files/{name...}", "name="},
		{"the rest wants its slash", "/files", "", ""},
		{"an earlier pattern goes before a later one", "/deep/er/7", "/deep/{rest...}", "rest=er/7"},
		{"a rest behind a word", "/open/do/it", "/open/do{rest...}", "rest=/it"},
		{"which may be empty", "/open/do", "/open/do{rest...}", ""},
		{"the word must be there", "/open/d", "", ""},
		{"digits", "/n/007/", "/n/{id:int}/", "id=007"},
		{"digits at the end", "/n/7", "/n/{id:int}", "id=7"},
		{"what is no digit goes on to the next pattern", "/n/7a", "/n/{name}", "name=7a"},
		{"a sign is no digit", "/n/-7/", "", ""},
		{"digits are at least one", "/n//", "", ""},
		{"nothing", "", "", ""},
		{"the root alone", "/", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			got := ""
			if e := tab.find(r, tt.path); e != nil {
				got = e.path
			}
			var values []string
			for _, name := range []string{"id", "sub", "name", "rest"} {
				if v := r.PathValue(name); v != "" || name == "name" && tt.values == "name=" {
					values = append(values, name+"="+v)
				}
			}
			if got != tt.want || strings.Join(values, " ") != tt.values {
				t.Errorf("find %q: got %q with %q, want %q with %q", tt.path, got, values, tt.want, tt.values)
			}
		})
	}
}

func TestTwoEntriesOfOnePathAreRefused(t *testing.T) {
	for _, path := range []string{"/a/", "/a/{id}/"} {
		var tab table
		if err := tab.add(&entry{path: path}); err != nil {
			t.Fatal(err)
		}
		if err := tab.add(&entry{path: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a second %s: got %v, want an error that names the path", path, err)
		}
	}
}

func TestAPathThatIsNoPatternIsRefused(t *testing.T) {
	for _, path := range []string{"/a/{id}-x/", "/a/{id/", "/a/id}/", "/a/{}/", "/a/{...}", "/a/{rest...}/b", "/{a}/{b}/{c}/{d}/{e}/", "/a/{{id}}/", "/a/{id...:int}", "/a/{id:int:int}/"} {
		if err := new(table).add(&entry{path: path}); err == nil {
			t.Errorf("%s: got no error", path)
		}
	}
}

// FuzzTableMatch holds that what matches a pattern is the pattern with its wildcards filled in.
func FuzzTableMatch(f *testing.F) {
	f.Add("/a/{id}/b/{sub}/", "/a/1/b/2/")
	f.Add("/files/{name...}", "/files/a/b")
	f.Add("/{a}/{b}/{c}/{d}", "/1/2/3/4")
	f.Add("/a/{id:int}/", "/a/12/")
	f.Add("/a/{id}", "/a/..")
	digits := regexp.MustCompile("^[0-9]+$")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		var tab table
		if tab.add(&entry{path: pattern}) != nil {
			return
		}
		r := &http.Request{}
		e := tab.find(r, path)
		got, want := strings.Split(path, "/"), strings.Split(pattern, "/")
		for i, word := range want {
			if i < len(got) && strings.HasSuffix(word, "...}") {
				got[i], got = strings.Join(got[i:], "/"), got[:i+1]
			}
		}
		same := len(got) == len(want)
		for i := 0; same && i < len(got); i++ {
			rest := strings.HasSuffix(want[i], "...}")
			wild := strings.HasPrefix(want[i], "{") && !rest
			start, _, _ := strings.Cut(want[i], "{")
			switch {
			case rest:
				same = strings.HasPrefix(got[i], start)
			case wild && strings.HasSuffix(want[i], ":int}"):
				same = digits.MatchString(got[i])
			case wild:
				same = got[i] != "" && got[i] != "." && got[i] != ".."
			default:
				same = got[i] == want[i]
			}
		}
		if (e != nil) != same {
			t.Errorf("find %q with %q: got %v, want %v", path, pattern, e != nil, same)
		}
	})
}
