//go:build !linux

package crash

import "syscall"

// dieWithUs is Linux's to give; elsewhere the test's clean-up has to do.
var dieWithUs *syscall.SysProcAttr
