package metrics

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// The unit of times in /proc is USER_HZ, which is 100 on every Linux that Go runs on.
const hertz = 100

// Process shows the numbers of this process that Prometheus's Go client shows. What /proc does not tell is left out.
func (r *Registry) Process() {
	var stat []float64 // the fields of /proc/self/stat from the third on, as proc(5) counts them
	r.first = append(r.first, func() { stat = numbersAfter("/proc/self/stat", ")") })
	field := func(name, kind, help string, of func(field func(int) float64) float64) {
		r.Add(name, kind, help, func(f *Family) {
			if len(stat) > 22 {
				f.Put("", of(func(i int) float64 { return stat[i-3] }))
			}
		})
	}
	field("process_cpu_seconds_total", Counter, "CPU time of the process.", func(f func(int) float64) float64 { return (f(14) + f(15)) / hertz })
	field("process_resident_memory_bytes", Gauge, "Resident memory of the process.", func(f func(int) float64) float64 { return f(24) * float64(os.Getpagesize()) })
	field("process_virtual_memory_bytes", Gauge, "Virtual memory of the process.", func(f func(int) float64) float64 { return f(23) })
	field("process_start_time_seconds", Gauge, "When the process started, since 1970.", func(f func(int) float64) float64 {
		boot := numbersAfter("/proc/stat", "btime ")
		if len(boot) == 0 {
			return 0
		}
		return boot[0] + f(22)/hertz
	})
	r.Add("process_open_fds", Gauge, "Files that are open.", func(f *Family) {
		if dir, err := os.Open("/proc/self/fd"); err == nil {
			defer dir.Close()
			names, _ := dir.Readdirnames(-1)
			f.Put("", float64(len(names)))
		}
	})
	limit := func(name, help string, resource int) {
		r.Add(name, Gauge, help, func(f *Family) {
			var l syscall.Rlimit
			if syscall.Getrlimit(resource, &l) == nil {
				f.Put("", float64(l.Cur))
			}
		})
	}
	limit("process_max_fds", "Files that may be open.", syscall.RLIMIT_NOFILE)
	limit("process_virtual_memory_max_bytes", "Virtual memory that the process may have.", syscall.RLIMIT_AS)
	for i, name := range map[int]string{6: "receive", 7: "transmit"} { // InOctets and OutOctets
		r.Add("process_network_"+name+"_bytes_total", Counter, "Bytes over the network that this process sees.", func(f *Family) {
			if octets := numbersAfter("/proc/self/net/netstat", "IpExt: InNoRoutes", "IpExt: "); len(octets) > i {
				f.Put("", octets[i])
			}
		})
	}
}

// numbersAfter are the fields of the line that follow the last of these texts, one after the other, in a file. What is
// no number is 0.
func numbersAfter(path string, texts ...string) (numbers []float64) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for _, text := range texts {
		_, after, found := bytes.Cut(data, []byte(text))
		if !found {
			return nil
		}
		data = after
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	for _, f := range bytes.Fields(line) {
		n, _ := strconv.ParseFloat(string(f), 64)
		numbers = append(numbers, n)
	}
	return numbers
}
