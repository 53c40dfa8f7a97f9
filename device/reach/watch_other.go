//go:build !linux

package reach

import "errors"

// routeChanges is what only Linux has here.
func routeChanges() (changes <-chan struct{}, stop func(), err error) {
	return nil, nil, errors.ErrUnsupported
}
