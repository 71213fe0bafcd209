//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// tick is the unit of times in /proc: USER_HZ, which is 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// usage is what a process has used: CPU of all its threads, gone ones too, and of the children
// that it has waited for.
type usage struct {
	parent        int
	own, children time.Duration
}

func readUsage(pid int) (usage, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("read the CPU of process %d: %w", pid, err)
	}
	// The name in brackets may hold anything; proc(5) counts state as field 3.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 15 {
		return usage{}, fmt.Errorf("/proc/%d/stat is cut short", pid)
	}
	number := func(field int) time.Duration {
		n, _ := strconv.ParseInt(fields[field-3], 10, 64)
		return time.Duration(n) * tick
	}
	parent, _ := strconv.Atoi(fields[1])
	return usage{parent: parent, own: number(14) + number(15), children: number(16) + number(17)}, nil
}

// cpuOf is the CPU of all threads of a process, gone ones too. The kernel keeps one account and
// shows it twice: in ticks in /proc/PID/stat, and in nanoseconds as the process's clock, which
// has its number from clock_getcpuclockid(3).
func cpuOf(pid int) (time.Duration, error) {
	const sched = 2
	var t syscall.Timespec
	_, _, code := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, uintptr(int32(^pid<<3|sched)), uintptr(unsafe.Pointer(&t)), 0)
	if code == 0 {
		return time.Duration(t.Nano()), nil
	}
	a, err := readUsage(pid)
	return a.own, err
}

// family lists a process and all that came of it.
func family(root int) (pids []int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if a, err := readUsage(pid); err == nil { // it may be gone by now
			children[a.parent] = append(children[a.parent], pid)
		}
	}
	pids = []int{root}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
	}
	return pids, nil
}

// cpuOfFamily is the CPU of a process and its descendants, those that ended included.
func cpuOfFamily(root int) (total time.Duration, err error) {
	pids, err := family(root)
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		a, err := readUsage(pid)
		if err != nil && pid != root {
			continue // it ended, and its parent has its CPU
		}
		if err != nil {
			return 0, err
		}
		own, err := cpuOf(pid)
		if err != nil {
			own = a.own
		}
		total += own + a.children
	}
	return total, nil
}

// pssOf is the memory of a process in MiB, what it shares counted in proportion.
func pssOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			kib, err := strconv.ParseFloat(f[1], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/smaps_rollup has no Pss", pid)
}

func pssOfFamily(root int) (total float64, err error) {
	pids, err := family(root)
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		mib, err := pssOf(pid)
		if err != nil && pid == root {
			return 0, err
		}
		total += mib
	}
	return total, nil
}
