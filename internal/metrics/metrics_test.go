package metrics

import (
	"math"
	"net/http/httptest"
	"testing"
	"time"
)

func page(r *Registry) string {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, nil)
	return w.Body.String()
}

func TestThePageIsInPrometheusesFormat(t *testing.T) {
	r := NewRegistry()
	var d Durations
	for _, took := range []time.Duration{0, 500 * time.Microsecond, 501 * time.Microsecond, 5 * time.Second, time.Minute} {
		d.Observe(took)
	}
	r.Add("took_seconds", Histogram, "Time.", func(f *Family) { f.Histogram(Labels("op", "me"), &d) })
	r.Value("free_bytes", Gauge, "What is\nfree, with a \\.", func() float64 { return 1.5e9 })
	r.Add("none_total", Counter, "Nothing.", func(*Family) {})
	r.Add("asked_total", Counter, "Questions.", func(f *Family) {
		f.Put(Labels("path", "/\"a\\b\"\n", "class", "2xx"), 3)
		f.Put(Labels("path", "é", "class", "4xx"), math.Inf(1))
	})
	const want = `# HELP asked_total Questions.
# TYPE asked_total counter
asked_total{path="/\"a\\b\"\n",class="2xx"} 3
asked_total{path="é",class="4xx"} +Inf
# HELP free_bytes What is\nfree, with a \\.
# TYPE free_bytes gauge
free_bytes 1.5e+09
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{op="me",le="0.0005"} 2
took_seconds_bucket{op="me",le="0.001"} 3
took_seconds_bucket{op="me",le="0.0025"} 3
took_seconds_bucket{op="me",le="0.005"} 3
took_seconds_bucket{op="me",le="0.01"} 3
took_seconds_bucket{op="me",le="0.025"} 3
took_seconds_bucket{op="me",le="0.05"} 3
took_seconds_bucket{op="me",le="0.1"} 3
took_seconds_bucket{op="me",le="0.25"} 3
took_seconds_bucket{op="me",le="0.5"} 3
took_seconds_bucket{op="me",le="1"} 3
took_seconds_bucket{op="me",le="2.5"} 3
took_seconds_bucket{op="me",le="5"} 4
took_seconds_bucket{op="me",le="+Inf"} 5
took_seconds_sum{op="me"} 65.001001
took_seconds_count{op="me"} 5
`
	if got := page(r); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestANameIsTakenOnce(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a second family of one name: got none, want a panic")
		}
	}()
	r := NewRegistry()
	r.Value("a", Gauge, "", func() float64 { return 0 })
	r.Value("a", Gauge, "", func() float64 { return 0 })
}
