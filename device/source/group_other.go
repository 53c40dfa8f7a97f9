//go:build unix && !linux

package source

import "syscall"

// withParent does nothing: only Linux knows how. A command sees the end of its output.
func withParent(*syscall.SysProcAttr) {}
