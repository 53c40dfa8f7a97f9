package source

import "syscall"

// withParent has the kernel end the command when the agent is killed.
func withParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
