package main

import (
	"flag"
	"fmt"
	"strings"

	"github.com/sightline-rtc/sightline/device/reach"
)

// mediaFlags adds the flags of the media port. What it returns takes their values over, once they have been read.
func mediaFlags(set *flag.FlagSet) func(*settings) error {
	listen := set.String("media-listen", "", "UDP and TCP `HOST:PORT` for media; a free port, the same after each restart, if empty")
	stun := set.String("stun", "", "`URL,URL` of STUN servers that are asked before the server's own")
	mapping := set.String("port-mapping", "auto", "whether the router is asked for ports (PCP, NAT-PMP, UPnP): auto or off")
	return func(s *settings) (err error) {
		if *mapping != "auto" && *mapping != "off" {
			return fmt.Errorf("--port-mapping is auto or off, not %q", *mapping)
		}
		s.NoPortMapping = *mapping == "off"
		s.Reach.Listen = *listen
		s.Reach.Servers, err = stunServers(*stun)
		return err
	}
}

// stunServers reads the value of --stun.
func stunServers(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	urls := strings.Split(list, ",")
	for _, url := range urls {
		if err := reach.CheckServer(url); err != nil {
			return nil, fmt.Errorf("--stun: %w", err)
		}
	}
	return urls, nil
}
