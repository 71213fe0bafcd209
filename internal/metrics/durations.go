package metrics

import (
	"math"
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the buckets; the last one has none.
var bounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond,
	5 * time.Second,
}

// Durations is a histogram of how long something took. The zero value is empty.
type Durations struct {
	buckets [len(bounds) + 1]atomic.Uint64
	sum     atomic.Int64 // nanoseconds: 292 years
}

// Observe counts one.
func (d *Durations) Observe(took time.Duration) {
	i := 0
	for i < len(bounds) && took > bounds[i] {
		i++
	}
	d.buckets[i].Add(1)
	d.sum.Add(int64(took))
}

// Histogram writes d, in seconds.
func (f *Family) Histogram(labels string, d *Durations) {
	with := labels
	if with != "" {
		with += ","
	}
	var total uint64
	for i := range d.buckets {
		total += d.buckets[i].Load()
		end := math.Inf(1)
		if i < len(bounds) {
			end = bounds[i].Seconds()
		}
		f.put("_bucket", with+Labels("le", number(end)), float64(total))
	}
	f.put("_sum", labels, time.Duration(d.sum.Load()).Seconds())
	f.put("_count", labels, float64(total))
}
