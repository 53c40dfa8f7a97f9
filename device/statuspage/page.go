package statuspage

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
)

// style is readable on 340 pixels, by day and by night.
const style = `:root{color-scheme:light dark}body{font:16px/1.4 system-ui,sans-serif;margin:0 auto;max-width:44rem;padding:0 1rem 2rem}
h1{font-size:1.3rem}h2{font-size:1.1rem;margin:1.5rem 0 .3rem}h3{font-size:1rem;margin:.8rem 0 .2rem}
dl{display:grid;grid-template-columns:6.5rem 1fr;gap:.2rem .6rem;margin:0}dt{opacity:.7}dd{margin:0;overflow-wrap:anywhere}
.good::before{content:"● ";color:#2a8a3e}.bad::before{content:"● ";color:#c4302b}.idle::before{content:"○ "}ul{margin:0;padding-left:1.2rem}`

// writer builds the page. It does not use html/template, which makes the agent 2.6 MB larger: everything that is not
// written here goes through text.
type writer struct{ strings.Builder }

// text writes what may be anything.
func (w *writer) text(parts ...string) {
	for _, part := range parts {
		w.WriteString(html.EscapeString(part))
	}
}

// row writes a line of a list with names, unless there is nothing to say. mark is a class of the style.
func (w *writer) row(name, mark, value string) {
	if value == "" {
		return
	}
	w.WriteString("<dt>")
	w.text(name)
	w.WriteString(`</dt><dd class="` + mark + `">`)
	w.text(value)
	w.WriteString("</dd>\n")
}

func writePage(response http.ResponseWriter, v agentView) {
	var w writer
	w.WriteString(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sightline agent</title>` +
		`<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5"><style>` + style +
		"</style></head><body>\n<h1>Sightline agent</h1>\n<dl>\n")
	w.row("version", "", v.Version)
	w.row("running", "", ago(v.Started, v.now))
	w.row("stuck", "bad", v.Stuck)
	w.row("network", "", v.Network)
	if v.MediaPort != 0 {
		w.row("media port", "", fmt.Sprint(v.MediaPort))
	}
	w.WriteString("</dl>\n")
	for n := range v.Cameras {
		w.camera(&v.Cameras[n], v.now)
	}
	w.WriteString("</body></html>\n")
	response.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = response.Write([]byte(w.String())) // whoever asked may have gone
}

func (w *writer) camera(c *cameraView, now time.Time) {
	w.WriteString("<h2>")
	w.text(strings.TrimSpace("Camera " + c.ID))
	w.WriteString("</h2>\n<dl>\n")
	w.row("device", "", string(c.Device))
	w.row("not served", "bad", c.Error)
	if c.Device != "" {
		w.link(&c.Link, now)
	}
	for n := range c.Sources {
		w.source(&c.Sources[n], now)
	}
	w.WriteString("</dl>\n<h3>")
	w.text(fmt.Sprintf("Sessions: %d", len(c.Sessions)))
	w.WriteString("</h3>\n<ul>\n")
	for _, s := range c.Sessions {
		w.WriteString("<li>")
		w.text(sentence(now, s))
		w.WriteString("</li>\n")
	}
	w.WriteString("</ul>\n")
}

func (w *writer) link(l *linkView, now time.Time) {
	switch {
	case l.Up:
		w.row("link", "good", string(l.Transport)+", for "+ago(*l.Since, now))
		if l.Fallback != nil {
			w.row("no websocket", "", strings.TrimSuffix(string(l.Fallback.Reason)+": "+l.Fallback.Detail, ": "))
		}
	case l.Retry != nil:
		w.row("link", "bad", fmt.Sprintf("%s; tried again in %s", l.Error, ago(now, *l.Retry)))
	default:
		w.row("link", "idle", "being opened")
	}
}

func (w *writer) source(s *sourceView, now time.Time) {
	marks := map[string]string{"up": "good", "down": "bad"}
	mark := marks[s.State]
	if mark == "" {
		mark = "idle"
	}
	said := s.Source + ": " + s.State
	if s.Codec != "" {
		said += fmt.Sprintf(", %s %d×%d", s.Codec, s.Width, s.Height)
	}
	if s.State == "down" {
		said += ": " + s.Error
		if s.Retry != nil {
			said += "; tried again in " + ago(now, *s.Retry)
		}
	}
	w.row(string(s.Rendition), mark, said)
}

// sentence says a session in a line.
func sentence(now time.Time, s sessionView) string {
	words := []string{"for " + ago(s.Since, now)}
	if s.Path == "" {
		words = append(words, "connecting")
	} else {
		words = append(words, fmt.Sprintf("%s (%s)", s.Path, s.Means))
	}
	if s.Rendition != "" {
		words = append(words, string(s.Rendition))
	}
	if s.Kbps > 0 {
		words = append(words, fmt.Sprintf("%d kbit/s", s.Kbps))
	}
	return strings.Join(words, ", ")
}

// ago is the time between two moments, as long as a person wants to know it.
func ago(from, to time.Time) string {
	d := max(to.Sub(from), 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
