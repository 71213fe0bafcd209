//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// cpuSet is a set of cores as the kernel takes it: 1,024 of them.
type cpuSet [16]uint64

func coreSet(core int) (s cpuSet) {
	s[core/64] = 1 << (core % 64)
	return s
}

func (s *cpuSet) cores() (list []int) {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			list = append(list, i*64+bits.TrailingZeros64(word))
		}
	}
	return list
}

// affinityOf is where a thread may run; 0: the calling one.
func affinityOf(tid int) (s cpuSet, err error) {
	_, _, code := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, uintptr(tid), unsafe.Sizeof(s), uintptr(unsafe.Pointer(&s)))
	if code != 0 {
		return s, fmt.Errorf("read the cores of thread %d: %w", tid, code)
	}
	return s, nil
}

func setAffinity(tid int, s cpuSet) error {
	_, _, code := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, uintptr(tid), unsafe.Sizeof(s), uintptr(unsafe.Pointer(&s)))
	if code != 0 {
		return fmt.Errorf("set the cores of thread %d: %w", tid, code)
	}
	return nil
}

// moveHere puts every thread of this process, and those to come, on the given cores.
func moveHere(s cpuSet) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, entry := range threads {
		tid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if err := setAffinity(tid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// cores are where the two sides run.
type cores struct {
	server cpuSet
	note   string // why they are not apart; "": they are
}

// splitCores gives the first core to servers and moves this process to the second. With one core
// both sides share it.
func splitCores() (cores, error) {
	all, err := affinityOf(0)
	if err != nil {
		return cores{}, err
	}
	list := all.cores()
	if len(list) < 2 {
		return cores{server: all, note: "one core: the load takes its share of it, so rates and latencies are worse than the server's own"}, nil
	}
	if err := moveHere(coreSet(list[1])); err != nil {
		return cores{server: all, note: "this process may not choose its core: " + err.Error()}, nil
	}
	runtime.GOMAXPROCS(1)
	return cores{server: coreSet(list[0])}, nil
}

// on runs f, which starts a process, on other cores: a child inherits those of the thread that
// starts it.
func on(s cpuSet, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := affinityOf(0)
	if err != nil {
		return err
	}
	if err := setAffinity(0, s); err != nil {
		return err
	}
	return errors.Join(f(), setAffinity(0, before))
}
