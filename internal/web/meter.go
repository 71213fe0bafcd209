package web

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the counters of requests. Label values are resolved when the table is built, so a
// request adds to numbers and looks nothing up.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// NewMetrics registers the counters.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "doorward_requests_total", Help: "Requests answered, by route and class of status.",
		}, []string{"mount", "op", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "doorward_request_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"mount", "op"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "doorward_requests_in_flight", Help: "Requests being answered.",
		}),
	}
	reg.MustRegister(m.requests, m.seconds, m.inFlight)
	return m
}

// meter counts one route.
type meter struct {
	classes [6]prometheus.Counter // by the first digit of the status
	seconds prometheus.Observer
}

func (m *Metrics) meter(mount, op string) *meter {
	t := &meter{seconds: m.seconds.WithLabelValues(mount, op)}
	for class := 1; class < len(t.classes); class++ {
		t.classes[class] = m.requests.WithLabelValues(mount, op, strconv.Itoa(class)+"xx")
	}
	return t
}

func (t *meter) count(status int, took time.Duration) {
	if class := status / 100; class > 0 && class < len(t.classes) {
		t.classes[class].Inc()
	}
	t.seconds.Observe(took.Seconds())
}
