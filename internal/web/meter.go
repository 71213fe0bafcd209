package web

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"doorward/internal/metrics"
)

// Metrics are the counters of requests.
type Metrics struct {
	inFlight atomic.Int64
	mu       sync.Mutex
	meters   map[metered]*meter
}

// metered is what one meter counts.
type metered struct{ mount, op string }

// NewMetrics shows counters of requests in reg.
func NewMetrics(reg *metrics.Registry) *Metrics {
	m := &Metrics{meters: map[metered]*meter{}}
	reg.Add("doorward_requests_total", metrics.Counter, "Requests answered, by route and class of status.", func(f *metrics.Family) {
		m.each(func(labels string, t *meter) {
			for class := 1; class < len(t.classes); class++ {
				f.Put(labels+`,status="`+strconv.Itoa(class)+`xx"`, float64(t.classes[class].Load()))
			}
		})
	})
	reg.Add("doorward_request_seconds", metrics.Histogram, "Time to answer, by route.", func(f *metrics.Family) {
		m.each(func(labels string, t *meter) { f.Histogram(labels, &t.took) })
	})
	reg.Value("doorward_requests_in_flight", metrics.Gauge, "Requests being answered.", func() float64 { return float64(m.inFlight.Load()) })
	return m
}

// each calls f for all meters, in the order of their labels.
func (m *Metrics) each(f func(labels string, t *meter)) {
	m.mu.Lock()
	meters := maps.Clone(m.meters)
	m.mu.Unlock()
	routes := slices.SortedFunc(maps.Keys(meters), func(a, b metered) int {
		return cmp.Or(cmp.Compare(a.mount, b.mount), cmp.Compare(a.op, b.op))
	})
	for _, r := range routes {
		f(metrics.Labels("mount", r.mount, "op", r.op), meters[r])
	}
}

// meter counts one route. It is looked up when the table is built: a request adds to its numbers.
type meter struct {
	classes [6]atomic.Uint64 // by the first digit of the status
	took    metrics.Durations
}

func (m *Metrics) meter(mount, op string) *meter {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.meters[metered{mount, op}]
	if t == nil {
		t = &meter{}
		m.meters[metered{mount, op}] = t
	}
	return t
}

func (t *meter) count(status int, took time.Duration) {
	if class := status / 100; class > 0 && class < len(t.classes) {
		t.classes[class].Add(1)
	}
	t.took.Observe(took)
}
