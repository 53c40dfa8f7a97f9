package whep

import (
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// Links are ICE servers as values of Link headers (RFC 9725 section 4.6), one for each URL. The parameters stand in the
// order that the RFC's examples have, which some players insist on.
func Links(servers []protocol.ICEServer) []string {
	var links []string
	for _, s := range servers {
		for _, url := range s.URLs {
			link := "<" + url + `>; rel="ice-server"`
			if s.Username != "" {
				link += `; username="` + quoted.Replace(s.Username) + `"; credential="` + quoted.Replace(s.Credential) + `"; credential-type="password"`
			}
			links = append(links, link)
		}
	}
	return links
}

// quoted escapes what stands between quotes (RFC 9110 section 5.6.4).
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
