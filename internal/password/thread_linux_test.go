package password

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// checkThreads looks at a running pool of two threads, then leaves it to be closed.
func checkThreads(t *testing.T, p *Pool) {
	t.Helper()
	tids := map[int]bool{}
	for range 8 {
		var tid, nice int
		err := p.do(t.Context(), p.nominal, func(argon2idFunc) {
			tid = syscall.Gettid()
			nice = niceOf(t, tid)
		})
		if err != nil || nice != 19 {
			t.Errorf("a job ran at nice %d, %v, want 19", nice, err)
		}
		tids[tid] = true
	}
	if len(tids) > 2 || tids[os.Getpid()] {
		t.Errorf("jobs ran on threads %v, want two that are not the main one, %d", tids, os.Getpid())
	}
	for deadline := time.Now().Add(10 * time.Second); lowThreads(t) != 2; time.Sleep(time.Millisecond) { // one may not have begun yet
		if time.Now().After(deadline) {
			t.Fatalf("%d threads of nice 19, want 2", lowThreads(t))
		}
	}
	t.Cleanup(func() { // after Close
		deadline := time.Now().Add(5 * time.Second)
		for lowThreads(t) > 0 && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if n := lowThreads(t); n != 0 {
			t.Errorf("%d threads of nice 19 outlive the pool", n)
		}
	})
}

// fromMain is where work ran that background was given on the main thread, which init is on.
var fromMain struct {
	tid, nice int
	attr      *unix.SchedAttr
}

func init() {
	background(func() {
		fromMain.tid = syscall.Gettid()
		fromMain.nice, _ = syscall.Getpriority(syscall.PRIO_PROCESS, fromMain.tid)
		fromMain.attr, _ = unix.SchedGetAttr(fromMain.tid, 0)
	})
}

func TestBackgroundLeavesTheMainThreadAlone(t *testing.T) {
	if fromMain.tid == os.Getpid() || fromMain.nice != 20-19 { // as the system call has it
		t.Errorf("work ran on thread %d at raw priority %d, want not %d, 1", fromMain.tid, fromMain.nice, os.Getpid())
	}
	if a := fromMain.attr; a == nil || a.Policy != unix.SCHED_NORMAL || a.Nice != 19 || a.Runtime != 0 && a.Runtime != slice {
		t.Errorf("its attributes are %+v, want nice 19, and a slice of %.0f ns where the kernel tells of slices", a, slice)
	}
	if nice := niceOf(t, os.Getpid()); nice == 19 {
		t.Error("the main thread has nice 19")
	}
}

func lowThreads(t *testing.T) (n int) {
	tasks, err := filepath.Glob("/proc/self/task/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		var tid int
		fmt.Sscan(filepath.Base(task), &tid)
		if niceOf(t, tid) == 19 {
			n++
		}
	}
	return n
}

// niceOf is field 19 of proc(5)'s stat, 0 for a thread that is gone.
func niceOf(t *testing.T, tid int) (nice int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", tid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	if _, err := fmt.Sscan(strings.Fields(rest)[16], &nice); err != nil {
		t.Error(err)
	}
	return nice
}
