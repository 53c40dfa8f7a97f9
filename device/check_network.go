package device

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// networkCheckTime bounds the look at the network: tests of silence take 5 s each, and the search for a router 4 s.
	networkCheckTime = 20 * time.Second
	// usualSTUN is where a server that was not changed answers Binding requests.
	usualSTUN = "3478"
)

// What the line of the network begins with: it is fine, or something would help.
const (
	markFine = "ok "
	markBut  = "but"
)

// checkNetwork says what this network allows, and what would help.
func (a *Agent) checkNetwork(ctx context.Context) (mark string, lines []string) {
	ctx, cancel := context.WithTimeout(ctx, networkCheckTime)
	defer cancel()
	c := a.config.Reach
	c.UDPOnly = true // the agent that runs may have the router's port of TCP
	port, err := a.openPortAs(c)
	if err != nil {
		return markBut, []string{err.Error()}
	}
	known, err := a.state.mediaPort()
	if servers := len(known.STUN) + len(a.config.Reach.Servers); err != nil || servers == 0 {
		port.SetServers([]string{"stun:" + net.JoinHostPort(a.hub.Hostname(), usualSTUN)})
	}
	running, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { drain(port) })
	work.Go(func() {
		if err := port.Run(running); err != nil {
			a.config.Logger.Warn("network not looked at", "err", err)
		}
	})
	port.Assessed(ctx) // says at least that no router is asked
	awaitRouter(ctx, port)
	port.Assessed(ctx)
	mark, lines = verdict(port.Network(), port.Faults())
	stop()
	if err := port.Close(); err != nil {
		a.config.Logger.Warn("media port not closed", "err", err)
	}
	work.Wait()
	return mark, lines
}

// awaitRouter waits until the router has opened a port, or is known not to.
func awaitRouter(ctx context.Context, port *reach.Port) {
	told := make(chan struct{}, 1)
	unsubscribe := port.Subscribe(func(bool) {
		select {
		case told <- struct{}{}:
		default:
		}
	})
	defer unsubscribe()
	for n := port.Network(); n.PortMapping == "" && n.MappingFault == ""; n = port.Network() {
		select {
		case <-told:
		case <-ctx.Done():
			return
		}
	}
}

// drain reads what nobody waits for, so that the port gets its answers.
func drain(port *reach.Port) {
	for b := make([]byte, 1500); ; {
		if _, _, err := port.Conn().ReadFrom(b); err != nil {
			return
		}
	}
}

// verdict puts a network into words.
func verdict(n protocol.Network, faults []error) (mark string, lines []string) {
	words := nat.KindOf(n).Words()
	if n.PortMapping != "" {
		words += fmt.Sprintf(" It has opened a port for the camera (%s), so that everybody gets through directly.", mappings[n.PortMapping])
	}
	if n.IPv6 {
		words += " IPv6 works."
	}
	lines = append(lines, words)
	for _, fault := range faults {
		lines = append(lines, fmt.Sprintf("STUN server: %v. Its name, its address or its port is wrong, or a firewall is in the way.", fault))
	}
	lines = append(lines, nat.Advice(n)...)
	if len(lines) == 1 {
		return markFine, lines
	}
	return markBut, lines
}

var mappings = map[protocol.PortMapping]string{
	protocol.PortMappingPCP: "PCP", protocol.PortMappingNATPMP: "NAT-PMP", protocol.PortMappingUPnP: "UPnP",
}
