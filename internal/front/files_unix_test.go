//go:build unix

package front

import (
	"syscall"
	"testing"
)

// openFiles returns how many files the process may have open.
func openFiles(t *testing.T) uint64 {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return limit.Cur
}
