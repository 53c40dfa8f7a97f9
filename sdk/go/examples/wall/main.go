// Command wall shows all of a project's cameras at once, with what is known of each while it is away.
//
//	SIGHTLINE_HUB=https://hub.example SIGHTLINE_KEY=sl_live_… go run ./sdk/go/examples/wall
package main

import (
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
<title>A wall of cameras</title>
<script type="module" src="{{.Hub}}/sightline-camera.js"></script>
<style>
  main { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
  sightline-camera { aspect-ratio: 16 / 9; }
</style>
<h1>Our cameras</h1>
<main>
{{range .Devices}}<figure>
  <sightline-camera hub="{{$.Hub}}" device="{{.ID}}"></sightline-camera>
  <figcaption>{{.Name}}{{if .LastSeen.IsZero}}, never seen{{end}}</figcaption>
</figure>
{{else}}<p>No camera has joined the project yet.</p>
{{end}}</main>
<script type="module">
  for (const camera of document.querySelectorAll("sightline-camera")) {
    camera.tokenProvider = async () => (await fetch("/token/" + camera.device, { method: "POST" })).text();
  }
</script>
</html>
`))

func main() {
	s := site.New()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		view := struct {
			Hub     string
			Devices []sightline.Device
		}{Hub: s.Hub}
		for device, err := range s.Client.Devices(r.Context()) {
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			view.Devices = append(view.Devices, device)
		}
		_ = page.Execute(w, view) // the visitor may have gone
	})
	mux.HandleFunc("POST /token/{device}", func(w http.ResponseWriter, r *http.Request) {
		token, err := s.Client.CreateToken(r.Context(), sightline.CreateTokenInput{
			// Tiles are small: the camera's smaller rendition is enough where the picture has to be relayed.
			Device: protocol.DeviceID(r.PathValue("device")), Subject: "a guard", RelayHD: new(bool),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_, _ = fmt.Fprint(w, token.Token)
	})
	s.Serve(mux, nil)
}
