package source

import (
	"fmt"
	"time"
)

// words are all that is written into pictures beside the test card, in letters that the font has.
var words = struct{ offline, retry, dialing, soundOnly string }{
	offline:   "Camera offline",
	retry:     "retrying in %d s",
	dialing:   "connecting",
	soundOnly: "sound only",
}

// maxCountdown is the longest wait in seconds that is counted down: the longest of backoff with its jitter.
const maxCountdown = 36

// countdown returns the seconds until a source is tried again, -1 while it is being tried.
func countdown(status Status, now time.Time) int {
	if status.State != StateDown {
		return -1
	}
	left := (status.Retry.Sub(now) + time.Second - 1) / time.Second
	return int(min(max(left, 0), maxCountdown))
}

// offlineLines are what the picture says while the source is away.
func offlineLines(seconds int) [captionLines]string {
	if seconds < 0 {
		return [...]string{words.offline, words.dialing}
	}
	return [...]string{words.offline, fmt.Sprintf(words.retry, seconds)}
}
