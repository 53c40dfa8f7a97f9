package peer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/sightline-rtc/sightline/protocol"
)

// offer is a viewer's session description (RFC 8866) as far as the device must know it.
type offer struct {
	description sdp.SessionDescription
	// ufrag names the ICE generation, with which password its checks are proven (RFC 8839 section 5.4).
	ufrag, password string
	// lite says that the viewer only answers checks (RFC 8445 section 2.5).
	lite bool
	// candidates are the lines that stood in the description; they are taken out of it.
	candidates []string
	// talk is the section in which the viewer would send sound, nil if there is none. It is inactive unless it is let speak.
	talk *sdp.MediaDescription
}

// maxSections bounds the media sections of an offer, for each of which the library makes a transceiver. The viewer has four.
const maxSections = 32

// parseOffer reads an offer. It fails with CodeBadMessage.
func parseOffer(text string) (*offer, error) {
	o := &offer{}
	if err := o.description.UnmarshalString(text); err != nil {
		return nil, protocol.Errorf(protocol.CodeBadMessage, "the offer is no session description").Because(err)
	}
	if len(o.description.MediaDescriptions) > maxSections {
		return nil, protocol.Errorf(protocol.CodeBadMessage, "the offer has more than %d sections", maxSections)
	}
	o.ufrag, _ = o.description.Attribute("ice-ufrag")
	o.password, _ = o.description.Attribute("ice-pwd")
	_, o.lite = o.description.Attribute("ice-lite")
	proven := true
	for _, m := range o.description.MediaDescriptions {
		ufrag, named := m.Attribute("ice-ufrag")
		password, secret := m.Attribute("ice-pwd")
		if named && o.ufrag == "" {
			o.ufrag, o.password = ufrag, password
		}
		proven = proven && (!named || isToken(ufrag, 4)) && (!secret || isToken(password, 22))
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
			if a.Key == "candidate" {
				o.candidates = append(o.candidates, "candidate:"+a.Value)
			}
			return a.Key == "candidate" || a.Key == "end-of-candidates"
		})
	}
	if !proven || !isToken(o.ufrag, 4) || !isToken(o.password, 22) {
		return nil, protocol.Errorf(protocol.CodeBadMessage, "the offer has no ICE credentials")
	}
	return o, nil
}

// isToken reports whether a text may be an ICE username fragment or password (RFC 8839 section 5.4). The fragment stands in
// checks, which may reach third parties: it must not speak a language of theirs.
func isToken(text string, least int) bool {
	const most = 256
	return len(text) >= least && len(text) <= most && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '/'
	}) < 0
}

// listen makes the viewer one that only receives: of each kind the first section that wants to, and no other. What it
// would send is not taken.
func (o *offer) listen() {
	o.talk = o.mouthpiece()
	wanted := []*sdp.MediaDescription{o.section("video"), o.section("audio")}
	for _, m := range o.description.MediaDescriptions {
		if m.MediaName.Media != "video" && m.MediaName.Media != "audio" {
			continue
		}
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
			return a.Key == "sendrecv" || a.Key == "sendonly" || a.Key == "recvonly" || a.Key == "inactive"
		})
		direction := "inactive"
		if slices.Contains(wanted, m) {
			direction = "recvonly"
		}
		m.Attributes = append(m.Attributes, sdp.NewPropertyAttribute(direction))
	}
}

// text returns the description as it was changed.
func (o *offer) text() (string, error) {
	b, err := o.description.Marshal()
	return string(b), err
}

// section returns the first media section of a kind that wants to receive, nil if there is none.
func (o *offer) section(kind string) *sdp.MediaDescription {
	for _, m := range o.description.MediaDescriptions {
		_, sendonly := m.Attribute("sendonly")
		_, inactive := m.Attribute("inactive")
		if m.MediaName.Media == kind && !sendonly && !inactive {
			return m
		}
	}
	return nil
}

// format is one payload type of a media section.
type format struct {
	payloadType uint8
	encoding    string // as in rtpmap, such as "H264/90000"
	fmtp        string
}

// formats lists the payload types of a section in the viewer's order of preference. One that is named again counts once.
func formats(m *sdp.MediaDescription) []format {
	var list []format
	var known [1 << 7]bool
	for _, name := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(name, 10, 7)
		if err != nil || known[pt] {
			continue
		}
		known[pt] = true
		f := format{payloadType: uint8(pt)}
		for _, a := range m.Attributes {
			if value, ok := strings.CutPrefix(a.Value, name+" "); ok {
				switch a.Key {
				case "rtpmap":
					f.encoding = value
				case "fmtp":
					f.fmtp = value
				}
			}
		}
		if f.encoding == "" && pt == 0 {
			f.encoding = "PCMU/8000" // a static type needs no rtpmap (RFC 3551 section 6)
		}
		if f.encoding == "" && pt == 8 {
			f.encoding = "PCMA/8000"
		}
		list = append(list, f)
	}
	return list
}

// keep leaves only the given payload types in a section, so that the answer can have no others.
func keep(m *sdp.MediaDescription, payloadTypes ...uint8) {
	names := make([]string, len(payloadTypes))
	for i, pt := range payloadTypes {
		names[i] = strconv.Itoa(int(pt))
	}
	m.MediaName.Formats = names
	m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
		switch a.Key {
		case "rtpmap", "fmtp", "rtcp-fb":
			name, _, _ := strings.Cut(a.Value, " ")
			return name != "*" && !slices.Contains(names, name)
		}
		return false
	})
}
