//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// group has cmd run in a process group of its own, so that its children are told too: of
// an interrupt when its context is done, and of their end by kill.
func group(cmd *exec.Cmd) (kill func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	return func() {
		if cmd.Process != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
}
