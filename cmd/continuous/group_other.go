//go:build !unix

package main

import "os/exec"

// group does nothing where there are no process groups: the child is killed when its
// context is done, and its own children end when they notice.
func group(*exec.Cmd) (kill func()) { return func() {} }
