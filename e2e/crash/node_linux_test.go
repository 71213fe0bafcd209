package crash

import "syscall"

// dieWithUs ends a server when the test process does, however that ends.
var dieWithUs = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
