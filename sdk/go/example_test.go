package sightline_test

import (
	"context"
	"fmt"

	sightline "github.com/sightline-rtc/sightline/sdk/go"
)

// A backend lets somebody look at a camera, and hears what happens from then on.
func Example() {
	ctx := context.Background()
	client, err := sightline.New("https://hub.example", "sl_live_…")
	if err != nil {
		panic(err)
	}
	token, err := client.CreateToken(ctx, sightline.CreateTokenInput{Device: "front-door", Subject: "user 17"})
	if err != nil {
		panic(err)
	}
	fmt.Println(token.Token)
	for event, err := range client.Events(ctx, 0, sightline.SessionEnded) {
		if err != nil {
			panic(err)
		}
		fmt.Println(event.Seq, event.Kind, event.Device)
	}
}
