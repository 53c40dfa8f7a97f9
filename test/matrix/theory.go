//go:build linux

package matrix

import (
	"slices"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// traits are what decides whether two ends meet without a relay, in the words of RFC 4787.
type traits struct {
	// moving: the port outside is another for each destination (section 4.1), so that what STUN tells is of no use to
	// others. steps: each is one more than the last.
	moving, steps bool
	// filters is whom the end lets in.
	filters filter
	// silent: nothing comes or goes over UDP.
	silent bool
	// mappable: a router that is asked opens a port which the whole internet reaches.
	mappable bool
}

type filter int

const (
	letsAllIn filter = iota
	byAddress
	byPort
)

// traitsOf are the traits of every type. What is behind two translators has the filter of the stricter one.
var traitsOf = map[natlab.Type]traits{
	natlab.Open:                {},
	natlab.Firewall:            {filters: byPort},
	natlab.FullCone:            {mappable: true},
	natlab.AddressRestricted:   {filters: byAddress, mappable: true},
	natlab.PortRestricted:      {filters: byPort, mappable: true},
	natlab.PortChanging:        {filters: byPort, mappable: true},
	natlab.PortAnswering:       {filters: byPort, mappable: true},
	natlab.SymmetricSequential: {moving: true, steps: true, filters: byPort, mappable: true},
	natlab.SymmetricAddress:    {moving: true, filters: byPort, mappable: true},
	natlab.Symmetric:           {moving: true, filters: byPort, mappable: true},
	natlab.UDPBlocked:          {silent: true, filters: byPort},
	natlab.OnlyWeb:             {silent: true, filters: byPort},
	natlab.CarrierPort:         {filters: byPort},
	natlab.CarrierFull:         {filters: byPort},
	natlab.CarrierSymmetric:    {moving: true, filters: byPort},
}

// Theory returns the plainest means by which a device and a viewer meet: ice, predicted, tcp, mapped or ipv6, in this
// order, or relay where nothing else is left. It leaves out what is not certain: both ends predicting, and guesses by the
// hundred. The product may well find another way, as it takes what works first.
func Theory(device, viewer natlab.Type, c Conditions) protocol.Means {
	d, v := traitsOf[device], traitsOf[viewer]
	udp := !d.silent && !v.silent
	switch {
	case viewer == natlab.SameLAN:
		return protocol.MeansICE
	case viewer == natlab.SameCarrier:
		return theoryInsideCarrier(d, c)
	case udp && d.meets(v):
		return protocol.MeansICE
	case udp && d.predicts(v):
		return protocol.MeansPredicted
	case !d.silent && device == natlab.Open: // browsers connect, they do not listen (RFC 6544 section 4.1)
		return protocol.MeansTCP
	case c.Mapping && d.mappable:
		if udp {
			return protocol.MeansMapped
		}
		return protocol.MeansTCP
	case c.IPv6 && udp: // a firewall on either side is all there is
		return protocol.MeansIPv6
	}
	return protocol.MeansRelay
}

// theoryInsideCarrier is the theory of two homes behind one carrier. They meet where it lets them speak to its own address,
// or where the device's router tells what address it has in the carrier's network.
func theoryInsideCarrier(device traits, c Conditions) protocol.Means {
	switch {
	case c.Hairpin && !device.moving:
		return protocol.MeansICE
	case c.Mapping:
		return protocol.MeansMapped
	case c.IPv6:
		return protocol.MeansIPv6
	}
	return protocol.MeansRelay
}

// meets says that two ends find each other by plain ICE. An end whose port moves comes from one that nobody was told of:
// the other must let it in all the same.
func (t traits) meets(other traits) bool {
	switch {
	case t.moving && other.moving:
		return false
	case t.moving:
		return other.filters < byPort
	case other.moving:
		return t.filters < byPort
	}
	return true
}

// predicts says that one end stands still and the other's next port can be told.
func (t traits) predicts(other traits) bool {
	return t.steps && !other.moving || other.steps && !t.moving
}

// Pair is what stands before a device and before a viewer.
type Pair struct {
	Device, Viewer natlab.Type
}

// All returns every pair of device types and viewer types.
func All(devices, viewers []natlab.Type) []Pair {
	var pairs []Pair
	for _, v := range viewers {
		for _, d := range devices {
			pairs = append(pairs, Pair{d, v})
		}
	}
	return pairs
}

// Spread returns 20 pairs with every type on each side, that theory says go by each of plain ICE, prediction, TCP and the
// relay, or by a mapping where there is one.
func Spread() []Pair {
	return slices.Clone([]Pair{
		{natlab.Open, natlab.Symmetric},
		{natlab.Open, natlab.UDPBlocked},
		{natlab.Firewall, natlab.PortRestricted},
		{natlab.Firewall, natlab.CarrierSymmetric},
		{natlab.FullCone, natlab.Symmetric},
		{natlab.FullCone, natlab.UDPBlocked},
		{natlab.AddressRestricted, natlab.CarrierSymmetric},
		{natlab.AddressRestricted, natlab.AddressRestricted},
		{natlab.PortRestricted, natlab.PortRestricted},
		{natlab.PortRestricted, natlab.SymmetricSequential},
		{natlab.PortRestricted, natlab.Symmetric},
		{natlab.PortChanging, natlab.CarrierPort},
		{natlab.SymmetricSequential, natlab.PortChanging},
		{natlab.SymmetricAddress, natlab.FullCone},
		{natlab.Symmetric, natlab.Open},
		{natlab.Symmetric, natlab.Firewall},
		{natlab.CarrierPort, natlab.PortRestricted},
		{natlab.CarrierSymmetric, natlab.AddressRestricted},
		{natlab.CarrierSymmetric, natlab.Symmetric},
		{natlab.UDPBlocked, natlab.FullCone},
	})
}
