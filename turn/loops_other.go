//go:build !linux

package turn

import "errors"

// openLoops fails: the event loops are of Linux.
func openLoops(int, *counts) (sockets, error) { return nil, errors.ErrUnsupported }
