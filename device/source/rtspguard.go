package source

import (
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// maxRedirects bounds how often a camera may send the client to another path in one life.
const maxRedirects = 3

// rtspGuard looks at each answer of a camera before the client acts on it: a camera must not make the agent call others,
// with the camera's password or without.
type rtspGuard struct {
	host      string
	redirects int
	// elsewhere is where the camera sent the client and it did not go.
	elsewhere string
}

// judge takes out of an answer what is not obeyed.
func (g *rtspGuard) judge(res *base.Response) {
	if res.StatusCode >= base.StatusMovedPermanently && res.StatusCode <= base.StatusUseProxy {
		g.judgeRedirect(res)
	}
	// Where packets come from is the camera itself. Cameras behind a translator name an address that nobody reaches.
	if transport, ok := res.Header["Transport"]; ok {
		for i := range transport {
			transport[i] = withoutParameter(transport[i], "source")
		}
	}
}

func (g *rtspGuard) judgeRedirect(res *base.Response) {
	location := res.Header["Location"]
	if len(location) != 1 {
		return
	}
	g.redirects++
	to, err := base.ParseURL(location[0])
	if err == nil && to.Hostname() == g.host && g.redirects <= maxRedirects {
		return
	}
	g.elsewhere = "a place that is none"
	if err == nil {
		g.elsewhere = to.CloneWithoutCredentials().String()
	}
	delete(res.Header, "Location")
}

// withoutParameter takes a parameter out of a header of parts between semicolons.
func withoutParameter(header, name string) string {
	var kept []string
	for part := range strings.SplitSeq(header, ";") {
		if key, _, _ := strings.Cut(part, "="); !strings.EqualFold(strings.TrimSpace(key), name) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ";")
}
