package password

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// slice is how long such a thread asks to run at a time, in nanoseconds: the longer, the later it is due beside
// threads that ask for little (sched_setattr(2); kernels before 6.12 pass over it).
const slice = 100e6

// background runs work on an operating system thread of its own, of the lowest priority (nice 19),
// which ends with it. Where the priority cannot be had, work runs all the same. The main thread is
// left alone: to ps, and to a nice inherited, it is the process.
func background(work func()) {
	runtime.LockOSThread() // and no unlocking, so that no other goroutine gets a thread this slow
	tid := syscall.Gettid()
	if tid == syscall.Getpid() {
		done := make(chan struct{})
		go func() { // elsewhere, as this goroutine keeps the main thread meanwhile
			defer close(done)
			background(work)
		}()
		<-done
		runtime.UnlockOSThread()
		return
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, tid, 19)
	_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Nice: 19, Runtime: slice}, 0)
	work()
}
