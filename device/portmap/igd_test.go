package portmap

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const ownTarget = "127.0.0.1:5000"

func TestUPnPMapsRenewsAndRemoves(t *testing.T) {
	for _, kind := range []string{wanIP2, wanIP1, wanPPP} {
		t.Run(kind, func(t *testing.T) {
			b, s := newIGD(t)
			b.change(func(b *igdBox) { b.kind = kind })
			g := found(t, s)
			var l lease
			for range 2 {
				l = opened(t, g, anAsk, wished(5000))
				if want := netip.MustParseAddrPort("5.6.7.8:5000"); l.external != want || l.permanent || l.lifetime != time.Hour {
					t.Errorf("lease is %+v, want %s for an hour", l, want)
				}
				if got := b.target("UDP 5000"); got != ownTarget {
					t.Errorf("the router maps to %q, want %s", got, ownTarget)
				}
			}
			if err := g.check(t.Context(), []lease{l}); err != nil {
				t.Errorf("check: %v", err)
			}
			if err := g.remove(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			if got := b.target("UDP 5000"); got != "" {
				t.Errorf("the router maps to %q after the removal", got)
			}
		})
	}
}

func TestARouterThatMapsForEverOnlyIsAskedForThat(t *testing.T) {
	for _, code := range []int{igdPermanentOnly, igdInvalidArgs} {
		b, s := newIGD(t)
		b.change(func(b *igdBox) { b.foreverOnly = true; b.errors["GetSpecificPortMappingEntry"] = code })
		l := opened(t, found(t, s), anAsk, wished(5000))
		if !l.permanent || b.target("UDP 5000") != ownTarget {
			t.Errorf("lease is %+v, the router maps to %q, want a permanent one to %s", l, b.target("UDP 5000"), ownTarget)
		}
	}
}

func TestAPortOfAnotherMachineIsNotTakenFromIt(t *testing.T) {
	for _, tt := range []struct {
		kind string
		want uint16 // 0: any dynamic one
	}{{wanIP1, 0}, {wanIP2, 61000}} {
		t.Run(tt.kind, func(t *testing.T) {
			b, s := newIGD(t)
			b.change(func(b *igdBox) { b.kind = tt.kind; b.mapped["UDP 5000"] = [2]string{"127.0.0.9", "5000"} })
			l := opened(t, found(t, s), anAsk, wished(5000))
			if port := l.external.Port(); tt.want != 0 && port != tt.want || port < firstDynamic {
				t.Errorf("mapped to %d, want %d or with 0 a dynamic one", port, tt.want)
			}
			if got := b.target(fmt.Sprintf("UDP %d", l.external.Port())); got != ownTarget {
				t.Errorf("the new port leads to %q, want %s", got, ownTarget)
			}
			if got := b.target("UDP 5000"); got != "127.0.0.9:5000" {
				t.Errorf("the other machine's port leads to %q now", got)
			}
		})
	}
}

func TestTCPGetsTheSamePortWhereTheRouterKnowsNothingElse(t *testing.T) {
	for _, code := range []int{igdConflict, igdSamePortsOnly, igdConflictOfOthers} {
		b, s := newIGD(t)
		b.change(func(b *igdBox) {
			b.control = func(w http.ResponseWriter, r *http.Request) {
				b.mu.Lock()
				b.errors["AddPortMapping"] = 0
				if r.ContentLength > 0 && strings.Contains(peek(r), "<NewExternalPort>443<") {
					b.errors["AddPortMapping"] = code
				}
				b.mu.Unlock()
				b.act(w, r)
			}
		})
		l := opened(t, found(t, s), ask{transport: tcp, internal: 5000, lifetime: time.Hour}, []netip.AddrPort{wished(443)[0], wished(5000)[0]})
		if got := l.external.Port(); got != 5000 {
			t.Errorf("error %d: mapped to %d, want 5000", code, got)
		}
	}
}

func TestUPnPRefusals(t *testing.T) {
	for _, code := range []int{606, 501, 728, 0xffff} {
		b, s := newIGD(t)
		b.change(func(b *igdBox) { b.errors["AddPortMapping"] = code })
		if _, err := wish(t.Context(), found(t, s), anAsk, wished(5000)); fault(err) != protocol.MappingRefused {
			t.Errorf("error %d becomes %v, want a refusal", code, err)
		}
	}
}

func TestAMappingThatTheRouterForgotIsNoticed(t *testing.T) {
	tests := []struct {
		name   string
		happen func(*igdBox)
		want   error
	}{
		{"nothing", func(*igdBox) {}, nil},
		{"all forgotten", func(b *igdBox) { clear(b.mapped) }, errLost},
		{"given away", func(b *igdBox) { b.mapped["UDP 5000"] = [2]string{"127.0.0.9", "5000"} }, errLost},
		{"another address outside", func(b *igdBox) { b.address = "5.6.7.9" }, errLost},
		{"no answer of sense", func(b *igdBox) { b.control = http.NotFound }, errAbsent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, s := newIGD(t)
			g := found(t, s)
			l := opened(t, g, anAsk, wished(5000))
			b.change(tt.happen)
			if err := g.check(t.Context(), []lease{l}); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestARouterThatShowsNoMappingsIsNotSuspected(t *testing.T) {
	b, s := newIGD(t)
	b.change(func(b *igdBox) { b.unseen = true })
	g := found(t, s)
	l := opened(t, g, anAsk, wished(5000))
	if err := g.check(t.Context(), []lease{l}); err != nil {
		t.Errorf("check: %v", err)
	}
}

func TestADescriptionIsOnlyFetchedFromTheGateway(t *testing.T) {
	var asked []string
	elsewhere := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.Path) }))
	elsewhere.Listener.Close()
	elsewhere.Listener = listen(t, "127.0.0.2:0")
	elsewhere.Start()
	to := func(location string) func(*igdBox) { return func(b *igdBox) { b.location = location } }
	answer := func(f http.HandlerFunc) func(*igdBox) { return func(b *igdBox) { b.describe = f } }
	port := elsewhere.Listener.Addr().String()[len("127.0.0.2"):]
	tests := []struct {
		name string
		lie  func(*igdBox)
	}{
		{"another address", to(elsewhere.URL + "/location")},
		{"a name", to("http://localhost" + port + "/location")},
		{"another scheme", to("https://127.0.0.1" + port + "/location")},
		{"a file", to("file:///etc/passwd")},
		{"a password", to("http://127.0.0.1@127.0.0.2" + port + "/location")},
		{"no place", to("%zz")},
		{"a redirect", answer(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/redirect", http.StatusTemporaryRedirect)
		})},
		{"a base elsewhere", answer(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Replace(fmt.Sprintf(descriptionXML, wanIP1, "/base"), "<device>", "<URLBase>"+elsewhere.URL+"</URLBase><device>", 1))
		})},
		{"a service elsewhere", answer(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, descriptionXML, wanIP1, elsewhere.URL+"/control")
		})},
		{"no XML", answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })},
		{"an error", answer(http.NotFound)},
		{"no end", answer(endless)},
		{"no end of headers", answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 2*maxHeader))
		})},
		{"depth", answer(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<root>"+strings.Repeat("<device><deviceList>", 5000))
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, s := newIGD(t)
			b.change(tt.lie)
			s.time = 200 * time.Millisecond
			if _, err := findIGD(t.Context(), s, patience); err == nil {
				t.Error("a router was found")
			}
		})
	}
	elsewhere.Close()
	if len(asked) > 0 {
		t.Errorf("asked elsewhere for %v", asked)
	}
}

func TestARedirectOfAnActionIsNotFollowed(t *testing.T) {
	var asked []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.Path) }))
	b, s := newIGD(t)
	g := found(t, s)
	b.change(func(b *igdBox) {
		b.control = func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}
	})
	if _, err := g.open(t.Context(), anAsk); err == nil {
		t.Error("mapped by a redirect")
	}
	elsewhere.Close()
	if len(asked) > 0 {
		t.Errorf("asked elsewhere for %v", asked)
	}
}

func TestAnswersOfActionsAreBounded(t *testing.T) {
	tests := map[string]http.HandlerFunc{
		"no end": endless,
		"no words": func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		},
		"a word now and then": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				fmt.Fprint(w, "<a>")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
		},
	}
	for name, control := range tests {
		t.Run(name, func(t *testing.T) {
			b, s := newIGD(t)
			g := found(t, s)
			g.client.Timeout = 100 * time.Millisecond
			b.change(func(b *igdBox) {
				b.control = func(w http.ResponseWriter, r *http.Request) {
					peek(r) // so that the server notices the end of the connection
					control(w, r)
				}
			})
			if _, err := g.open(t.Context(), ask{transport: udp, internal: 5000, wish: netip.AddrPortFrom(anyAddress, 5000)}); !errors.Is(err, errAbsent) {
				t.Errorf("got %v, want %v", err, errAbsent)
			}
		})
	}
}

func TestUPnPAddressesThatAreNoneAreNotTaken(t *testing.T) {
	for address, want := range map[string]protocol.MappingFault{
		"":                protocol.MappingDoubleNAT,
		"0.0.0.0":         protocol.MappingDoubleNAT,
		"127.0.0.1":       protocol.MappingBroken,
		"router.example":  protocol.MappingBroken,
		"::1":             protocol.MappingBroken,
		"5.6.7.8.9":       protocol.MappingBroken,
		"255.255.255.255": protocol.MappingBroken,
	} {
		b, s := newIGD(t)
		b.change(func(b *igdBox) { b.address = address })
		s.time = 200 * time.Millisecond
		if _, err := findIGD(t.Context(), s, patience); fault(err) != want {
			t.Errorf("address %q: got %v, want %s", address, err, want)
		}
	}
}

func TestTheLineThatIsUpIsTaken(t *testing.T) {
	b, s := newIGD(t)
	b.change(func(b *igdBox) {
		b.describe = func(w http.ResponseWriter, _ *http.Request) {
			double := strings.Replace(descriptionXML, "<serviceList>", "<serviceList><service><serviceType>"+wanIP2+"</serviceType><controlURL>/down</controlURL></service>", 1)
			fmt.Fprintf(w, double, wanPPP, "/up")
		}
		b.control = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/down" {
				http.NotFound(w, r)
				return
			}
			b.act(w, r)
		}
	})
	if got := found(t, s).kind; got != wanPPP {
		t.Errorf("the service is %s, want %s", got, wanPPP)
	}
}

func TestOnlyServicesOnTheGatewayAreRead(t *testing.T) {
	location, err := url.Parse("http://192.168.1.1:5000/desc.xml")
	if err != nil {
		t.Fatal(err)
	}
	gateway := netip.MustParseAddr("192.168.1.1")
	for control, want := range map[string]string{
		"/ctl":                         "http://192.168.1.1:5000/ctl",
		"ctl":                          "http://192.168.1.1:5000/ctl",
		"http://192.168.1.1/ctl":       "http://192.168.1.1/ctl",
		"http://192.168.1.1:81/c?x=1":  "http://192.168.1.1:81/c?x=1",
		"//192.168.1.2/ctl":            "",
		"http://192.168.1.2/ctl":       "",
		"http://router/ctl":            "",
		"https://192.168.1.1/ctl":      "",
		"http://192.168.1.1@10.0.0.1/": "",
	} {
		services, err := decodeDescription(strings.NewReader(fmt.Sprintf(descriptionXML, wanIP1, control)), location, gateway)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(services) == 1 {
			got = services[0].control.String()
		}
		if got != want {
			t.Errorf("control URL %q leads to %q, want %q", control, got, want)
		}
	}
}

func FuzzDecodeDescription(f *testing.F) {
	f.Add(fmt.Sprintf(descriptionXML, wanIP1, "/ctl"))
	f.Add(strings.Replace(fmt.Sprintf(descriptionXML, wanIP1, "ctl"), "<device>", "<URLBase>http://10.0.0.1/</URLBase><device>", 1))
	f.Add(strings.Repeat("<device><deviceList>", 100))
	location, err := url.Parse("http://192.168.1.1:5000/desc.xml")
	if err != nil {
		f.Fatal(err)
	}
	gateway := netip.MustParseAddr("192.168.1.1")
	f.Fuzz(func(t *testing.T, description string) {
		services, err := decodeDescription(strings.NewReader(description), location, gateway)
		if err != nil {
			return
		}
		if len(services) > maxServices {
			t.Errorf("%d services", len(services))
		}
		for _, s := range services {
			if s.control.Hostname() != "192.168.1.1" || s.control.Scheme != "http" {
				t.Errorf("a service at %s", s.control)
			}
		}
	})
}

func FuzzDecodeSearch(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nST: x\r\nLOCATION: http://192.168.1.1:5000/desc.xml\r\n\r\n"))
	f.Add([]byte("NOTIFY * HTTP/1.1\r\nLOCATION: http://192.168.1.1:5000/desc.xml\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 404 No\r\nLocation: \x00\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if u, ok := decodeSearch(b); ok && u == nil {
			t.Error("no location")
		}
	})
}
