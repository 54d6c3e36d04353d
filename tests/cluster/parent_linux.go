package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// dieWithParent has the kernel end this process when the one that started it ends, however that happens, so that a test
// which is killed leaves no API server behind. Only with PLANE_DIES_WITH_PARENT set.
func dieWithParent() error {
	if os.Getenv("PLANE_DIES_WITH_PARENT") == "" {
		return nil
	}
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
}
