package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/huin/goupnp/soap"
)

// The errors of WANIPConnection:1 section 2.4 and WANIPConnection:2 section 2.5 that mean something here.
const (
	igdInvalidArgs      = 402 // also of routers that know permanent mappings only
	igdNoSuchEntry      = 714
	igdConflict         = 718
	igdSamePortsOnly    = 724
	igdPermanentOnly    = 725
	igdConflictOfOthers = 729
)

// anyPortTries is how many ports are tried of a router that has no AddAnyPortMapping, firstDynamic the least of them (RFC
// 6335 section 6).
const (
	anyPortTries = 3
	firstDynamic = 49152
)

// label is what a person sees in the router's list.
const label = "sightline"

// actions are the actions of a service that are used here.
type actions struct {
	service
	client *http.Client
}

// entry is what a mapping leads to.
type entry struct {
	client   string
	internal string
}

// The arguments, in the order that routers insist on.
type (
	portKey struct{ NewRemoteHost, NewExternalPort, NewProtocol string }
	newPort struct {
		NewRemoteHost, NewExternalPort, NewProtocol, NewInternalPort, NewInternalClient string
		NewEnabled, NewPortMappingDescription, NewLeaseDuration                         string
	}
)

func key(t transport, external uint16) portKey {
	return portKey{NewExternalPort: strconv.Itoa(int(external)), NewProtocol: strings.ToUpper(string(t))}
}

// address asks for the router's address outside.
func (s actions) address(ctx context.Context) (netip.Addr, error) {
	var out struct{ NewExternalIPAddress string }
	if err := s.call(ctx, "GetExternalIPAddress", nil, &out); err != nil {
		return netip.Addr{}, err
	}
	given := strings.TrimSpace(out.NewExternalIPAddress)
	if given == "" {
		return netip.Addr{}, errInner
	}
	a, err := netip.ParseAddr(given)
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("%w: %w", errBroken, err)
	case a.IsUnspecified():
		return netip.Addr{}, errInner
	case !plausible(a):
		return netip.Addr{}, fmt.Errorf("%w: an address outside of %s", errBroken, a)
	}
	return a, nil
}

// look asks what a port outside leads to; false means nowhere.
func (s actions) look(ctx context.Context, t transport, external uint16) (entry, bool, error) {
	in := key(t, external)
	var out struct{ NewInternalPort, NewInternalClient string }
	err := s.call(ctx, "GetSpecificPortMappingEntry", &in, &out)
	if errors.Is(err, igdError(igdNoSuchEntry)) {
		return entry{}, false, nil
	}
	return entry{client: strings.TrimSpace(out.NewInternalClient), internal: strings.TrimSpace(out.NewInternalPort)}, err == nil, err
}

// portMapping are the arguments that map a port.
func portMapping(a ask, external uint16, client netip.Addr, lifetime time.Duration) newPort {
	k := key(a.transport, external)
	return newPort{
		NewExternalPort: k.NewExternalPort, NewProtocol: k.NewProtocol,
		NewInternalPort: strconv.Itoa(int(a.internal)), NewInternalClient: client.String(),
		NewEnabled: "1", NewPortMappingDescription: label, NewLeaseDuration: strconv.Itoa(int(lifetime / time.Second)),
	}
}

// add maps a port.
func (s actions) add(ctx context.Context, in newPort) error {
	return s.call(ctx, "AddPortMapping", &in, nil)
}

// addAny maps a port, or another one if that is taken, and returns which. Only wanIP2 has it.
func (s actions) addAny(ctx context.Context, in newPort) (uint16, error) {
	var out struct{ NewReservedPort string }
	if err := s.call(ctx, "AddAnyPortMapping", &in, &out); err != nil {
		return 0, err
	}
	reserved, err := strconv.ParseUint(strings.TrimSpace(out.NewReservedPort), 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errBroken, err)
	}
	return uint16(reserved), nil
}

// remove ends a mapping.
func (s actions) remove(ctx context.Context, t transport, external uint16) error {
	in := key(t, external)
	return s.call(ctx, "DeletePortMapping", &in, nil)
}

// call performs an action. What the router itself says no to is an igdError.
func (s actions) call(ctx context.Context, action string, in, out any) error {
	client := soap.SOAPClient{EndpointURL: *s.control, HTTPClient: *s.client}
	if in == nil {
		in = &struct{}{}
	}
	err := client.PerformActionCtx(ctx, s.kind, action, in, out)
	var said *soap.SOAPFaultError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		return fmt.Errorf("%s: %w", action, igdError(said.Detail.UPnPError.Errorcode))
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%s: %w: %w", action, errAbsent, err)
}

// igdError is the number of an error that the router answered.
type igdError int

func (e igdError) Error() string { return "upnp error " + strconv.Itoa(int(e)) }

// Is tells the kind of error.
func (e igdError) Is(target error) bool {
	if other, ok := target.(igdError); ok {
		return e == other
	}
	switch e {
	case igdConflict, igdSamePortsOnly, igdConflictOfOthers:
		return target == errTaken
	}
	return target == errRefused
}
