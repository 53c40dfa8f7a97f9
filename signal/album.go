package signal

import (
	"container/list"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// defaultAlbumBytes is room for the newest pictures of 64 to 1000 cameras: they have 60 KB to 1 MiB.
	defaultAlbumBytes = 64 << 20
	// photoCost is counted for each picture beside its bytes, so that refusals count, too.
	photoCost = 256
	// captureLife is how long a device may take for a picture. Who asked has gone by then; the picture is for the next.
	captureLife = 10 * time.Second
	// maxUploads bounds the pictures that are on their way in, maxProjectUploads those of one project, which otherwise
	// could keep all others out with devices that are slow on purpose.
	maxUploads        = 64
	maxProjectUploads = maxUploads / 4
)

// photo is a device's newest still picture, or why there is none.
type photo struct {
	device protocol.DeviceID
	jpeg   []byte
	err    *protocol.Error
	at     time.Time
}

func (p *photo) cost() int64 { return int64(len(p.jpeg)) + photoCost }

// capture is a picture that a device was asked for.
type capture struct {
	request string
	device  protocol.DeviceID
	asked   time.Time
	// project is that of the device, once an answer is on its way in.
	project protocol.ProjectID
	// taking says that an answer is on its way in.
	taking bool
	// done is closed when there is an answer.
	done   chan struct{}
	answer *photo
}

// album keeps the newest still picture of each device for a while, and knows which ones were asked for. It is safe for
// concurrent use.
type album struct {
	most int64

	mu       sync.Mutex // guards all below
	held     int64
	byDevice map[protocol.DeviceID]*list.Element
	recent   *list.List // of *photo, the longest unused first
	asked    map[protocol.DeviceID]*capture
	requests map[string]*capture
	uploads  map[protocol.ProjectID]int
}

func newAlbum(most int64) *album {
	return &album{
		most: most, byDevice: map[protocol.DeviceID]*list.Element{}, recent: list.New(),
		asked: map[protocol.DeviceID]*capture{}, requests: map[string]*capture{}, uploads: map[protocol.ProjectID]int{},
	}
}

// look returns a device's picture if it is new enough. Else it returns the capture to wait for; fresh says that the device
// has yet to be asked.
func (a *album) look(device protocol.DeviceID, now time.Time) (p *photo, c *capture, fresh bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if element := a.byDevice[device]; element != nil {
		if p := photoOf(element); now.Sub(p.at) < protocol.SnapshotAge {
			a.recent.MoveToBack(element)
			return p, nil, false
		}
	}
	if c := a.asked[device]; c != nil && now.Sub(c.asked) < captureLife {
		return nil, c, false
	}
	a.forgetLocked(a.asked[device])
	c = &capture{request: newSecret(), device: device, asked: now, done: make(chan struct{})}
	a.asked[device], a.requests[c.request] = c, c
	return nil, c, true
}

// claim lets one answer to a capture in. It fails with CodeNotFound for a request that was not made of this device, or was
// answered, and with CodeRateLimited when too many come in at once.
func (a *album) claim(request string, device protocol.DeviceID, project protocol.ProjectID) (*capture, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.requests[request]
	switch {
	case c == nil || c.device != device || c.taking:
		return nil, protocol.Errorf(protocol.CodeNotFound, "no picture of that request is wanted")
	case a.uploadingLocked() >= maxUploads || a.uploads[project] >= maxProjectUploads:
		return nil, protocol.Errorf(protocol.CodeRateLimited, "too many pictures come in at once")
	}
	c.taking, c.project = true, project
	a.uploads[project]++
	return c, nil
}

// uploadingLocked is how many pictures are on their way in.
func (a *album) uploadingLocked() (n int) {
	for _, of := range a.uploads {
		n += of
	}
	return n
}

// settle ends what claim began: with an answer, or with nil, after which the device may try again.
func (a *album) settle(c *capture, answer *photo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.uploads[c.project]--; a.uploads[c.project] == 0 {
		delete(a.uploads, c.project)
	}
	c.taking = false
	if answer != nil && a.requests[c.request] == c {
		a.answerLocked(c, answer)
		a.keepLocked(answer)
	}
}

// drop gives up a capture that the device was not asked for, with the reason for those who wait.
func (a *album) drop(c *capture, err *protocol.Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.requests[c.request] == c {
		a.answerLocked(c, &photo{device: c.device, err: err})
	}
}

func (a *album) answerLocked(c *capture, answer *photo) {
	a.forgetLocked(c)
	c.answer = answer
	close(c.done)
}

func (a *album) forgetLocked(c *capture) {
	if c == nil {
		return
	}
	delete(a.requests, c.request)
	if a.asked[c.device] == c {
		delete(a.asked, c.device)
	}
}

func (a *album) keepLocked(p *photo) {
	a.removeLocked(a.byDevice[p.device])
	a.byDevice[p.device] = a.recent.PushBack(p)
	for a.held += p.cost(); a.held > a.most; {
		a.removeLocked(a.recent.Front())
	}
}

func (a *album) removeLocked(element *list.Element) {
	if element == nil {
		return
	}
	p := photoOf(element)
	a.recent.Remove(element)
	delete(a.byDevice, p.device)
	a.held -= p.cost()
}

// forget drops what there is of a device, which was removed.
func (a *album) forget(device protocol.DeviceID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.removeLocked(a.byDevice[device])
	a.forgetLocked(a.asked[device])
}

// sweep drops what is too old to be of use.
func (a *album) sweep(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, element := range a.byDevice {
		if now.Sub(photoOf(element).at) >= protocol.SnapshotAge {
			a.removeLocked(element)
		}
	}
	for _, c := range a.asked {
		if now.Sub(c.asked) >= captureLife {
			a.forgetLocked(c)
		}
	}
}

// size is what the pictures take, in bytes, and how many captures are under way.
func (a *album) size() (held int64, asked int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held, len(a.requests)
}

func photoOf(element *list.Element) *photo {
	p, _ := element.Value.(*photo) // the list has nothing else
	return p
}
