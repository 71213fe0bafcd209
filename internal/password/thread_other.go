//go:build !linux

package password

import "runtime"

// background runs work on an operating system thread of its own, which ends with it. Its priority is
// that of the process: on these systems it belongs to processes, not to threads, or we don't know.
func background(work func()) {
	runtime.LockOSThread()
	work()
}
