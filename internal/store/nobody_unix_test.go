//go:build unix

package store_test

import (
	"os/exec"
	"syscall"
)

// asNobody makes cmd run as nobody.
func asNobody(cmd *exec.Cmd) {
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
