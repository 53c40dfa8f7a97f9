// Command one shows one camera on a page of another site.
//
//	SIGHTLINE_HUB=https://hub.example SIGHTLINE_KEY=sl_live_… go run ./sdk/go/examples/one --device DEVICE
package main

import (
	"flag"
	"fmt"
	"html/template"
	"net/http"

	"github.com/sightline-rtc/sightline/protocol"
	sightline "github.com/sightline-rtc/sightline/sdk/go"
	"github.com/sightline-rtc/sightline/sdk/go/examples/site"
)

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>One camera</title>
<script type="module" src="{{.Hub}}/sightline-camera.js"></script>
<h1>Our front door</h1>
<sightline-camera hub="{{.Hub}}" device="{{.Device}}"></sightline-camera>
<script type="module">
  // Asked at the start, before a token ends, and when one is refused: who may look is decided on our server.
  document.querySelector("sightline-camera").tokenProvider = async () => (await fetch("/token", { method: "POST" })).text();
</script>
</html>
`))

func main() {
	device := flag.String("device", "", "the camera's ID")
	s := site.New()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_ = page.Execute(w, struct{ Hub, Device string }{s.Hub, *device}) // the visitor may have gone
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		// Here a real site looks whether this visitor may see the camera.
		token, err := s.Client.CreateToken(r.Context(), sightline.CreateTokenInput{
			Device: protocol.DeviceID(*device), Subject: "a visitor",
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_, _ = fmt.Fprint(w, token.Token)
	})
	s.Serve(mux, nil)
}
