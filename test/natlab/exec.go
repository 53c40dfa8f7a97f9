//go:build linux

package natlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Usable says what this machine lacks to build a lab; nil means nothing.
func Usable() error {
	if os.Geteuid() != 0 {
		return errors.New("a lab of network namespaces needs root")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("a lab of network namespaces needs the program %s", tool)
		}
	}
	return nil
}

// batch gives a list of commands to ip, inside a namespace or, with an empty one, outside all of them.
func batch(ctx context.Context, namespace, commands string) error {
	args := []string{"-batch", "-"}
	if namespace != "" {
		args = append([]string{"-netns", namespace}, args...)
	}
	cmd := exec.CommandContext(ctx, "ip", args...)
	cmd.Stdin = strings.NewReader(commands)
	return run(cmd)
}

func run(cmd *exec.Cmd) error {
	_, err := output(cmd)
	return err
}

// output runs a command and returns its stdout; its stderr becomes part of the error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
