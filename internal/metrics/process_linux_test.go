package metrics

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The names are those of client_golang 1.25, whose pages people have dashboards for.
func TestTheProcessShowsWhatPrometheusesClientShows(t *testing.T) {
	r := NewRegistry()
	r.Go()
	r.Process()
	text := page(r)
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	want, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Fields(string(want)); !slices.Equal(names, want) {
		t.Errorf("got:  %q\nwant: %q", names, want)
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		name, value, _ := strings.Cut(line, " ")
		switch name {
		case "go_goroutines", "go_memstats_heap_alloc_bytes", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds":
			if value == "0" {
				t.Errorf("%s: got 0, want more", name)
			}
		}
	}
}
