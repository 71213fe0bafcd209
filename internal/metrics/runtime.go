package metrics

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

// memory are the numbers of runtime.MemStats, by the names that Prometheus's Go client gives them.
var memory = []struct {
	name, kind, help string
	of               func(*runtime.MemStats) uint64
}{
	{"alloc_bytes", Gauge, "Bytes of heap objects in use.", func(m *runtime.MemStats) uint64 { return m.Alloc }},
	{"alloc_bytes_total", Counter, "Bytes of heap objects allocated, freed ones included.", func(m *runtime.MemStats) uint64 { return m.TotalAlloc }},
	{"buck_hash_sys_bytes", Gauge, "Bytes of the profiler's hash table.", func(m *runtime.MemStats) uint64 { return m.BuckHashSys }},
	{"frees_total", Counter, "Heap objects freed.", func(m *runtime.MemStats) uint64 { return m.Frees }},
	{"gc_sys_bytes", Gauge, "Bytes of what the garbage collector keeps.", func(m *runtime.MemStats) uint64 { return m.GCSys }},
	{"heap_alloc_bytes", Gauge, "Bytes of heap objects in use.", func(m *runtime.MemStats) uint64 { return m.HeapAlloc }},
	{"heap_idle_bytes", Gauge, "Bytes of the heap that wait to be used.", func(m *runtime.MemStats) uint64 { return m.HeapIdle }},
	{"heap_inuse_bytes", Gauge, "Bytes of the heap that are in use.", func(m *runtime.MemStats) uint64 { return m.HeapInuse }},
	{"heap_objects", Gauge, "Heap objects in use.", func(m *runtime.MemStats) uint64 { return m.HeapObjects }},
	{"heap_released_bytes", Gauge, "Bytes of the heap given back to the system.", func(m *runtime.MemStats) uint64 { return m.HeapReleased }},
	{"heap_sys_bytes", Gauge, "Bytes of the heap obtained from the system.", func(m *runtime.MemStats) uint64 { return m.HeapSys }},
	{"mallocs_total", Counter, "Heap objects allocated.", func(m *runtime.MemStats) uint64 { return m.Mallocs }},
	{"mcache_inuse_bytes", Gauge, "Bytes of mcache structures in use.", func(m *runtime.MemStats) uint64 { return m.MCacheInuse }},
	{"mcache_sys_bytes", Gauge, "Bytes of mcache structures.", func(m *runtime.MemStats) uint64 { return m.MCacheSys }},
	{"mspan_inuse_bytes", Gauge, "Bytes of mspan structures in use.", func(m *runtime.MemStats) uint64 { return m.MSpanInuse }},
	{"mspan_sys_bytes", Gauge, "Bytes of mspan structures.", func(m *runtime.MemStats) uint64 { return m.MSpanSys }},
	{"next_gc_bytes", Gauge, "Bytes of heap at which the next collection runs.", func(m *runtime.MemStats) uint64 { return m.NextGC }},
	{"other_sys_bytes", Gauge, "Bytes of other needs of the runtime.", func(m *runtime.MemStats) uint64 { return m.OtherSys }},
	{"stack_inuse_bytes", Gauge, "Bytes of stacks in use.", func(m *runtime.MemStats) uint64 { return m.StackInuse }},
	{"stack_sys_bytes", Gauge, "Bytes of stacks.", func(m *runtime.MemStats) uint64 { return m.StackSys }},
	{"sys_bytes", Gauge, "Bytes obtained from the system.", func(m *runtime.MemStats) uint64 { return m.Sys }},
}

// Go shows the numbers of Go's runtime that Prometheus's Go client shows unless told otherwise.
func (r *Registry) Go() {
	var stats runtime.MemStats
	r.first = append(r.first, func() { runtime.ReadMemStats(&stats) }) // it stops the world: once a page
	for _, m := range memory {
		r.Value("go_memstats_"+m.name, m.kind, m.help, func() float64 { return float64(m.of(&stats)) })
	}
	r.Value("go_memstats_last_gc_time_seconds", Gauge, "Time of the last collection, since 1970.", func() float64 { return float64(stats.LastGC) / 1e9 })
	r.Add("go_gc_duration_seconds", summary, "How long collections stopped the world.", pauses)
	r.Value("go_gc_gogc_percent", Gauge, "GOGC.", sampled("/gc/gogc:percent"))
	r.Value("go_gc_gomemlimit_bytes", Gauge, "GOMEMLIMIT.", sampled("/gc/gomemlimit:bytes"))
	r.Value("go_goroutines", Gauge, "Goroutines that exist.", func() float64 { return float64(runtime.NumGoroutine()) })
	r.Add("go_info", Gauge, "The version of Go.", func(f *Family) { f.Put(Labels("version", runtime.Version()), 1) })
	r.Value("go_sched_gomaxprocs_threads", Gauge, "GOMAXPROCS.", func() float64 { return float64(runtime.GOMAXPROCS(0)) })
	r.Value("go_threads", Gauge, "Threads made.", func() float64 {
		n, _ := runtime.ThreadCreateProfile(nil)
		return float64(n)
	})
}

func pauses(f *Family) {
	quantiles := [...]float64{0, .25, .5, .75, 1}
	stats := debug.GCStats{PauseQuantiles: make([]time.Duration, len(quantiles))}
	debug.ReadGCStats(&stats)
	for i, q := range quantiles {
		f.Put(Labels("quantile", strconv.FormatFloat(q, 'g', -1, 64)), stats.PauseQuantiles[i].Seconds())
	}
	f.put("_sum", "", stats.PauseTotal.Seconds())
	f.put("_count", "", float64(stats.NumGC))
}

// sampled reads a number of package runtime/metrics.
func sampled(name string) func() float64 {
	return func() float64 {
		sample := []metrics.Sample{{Name: name}}
		metrics.Read(sample)
		if sample[0].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return float64(sample[0].Value.Uint64())
	}
}
