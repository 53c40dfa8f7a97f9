package plane

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxEvents is how many sockets one wake-up may name.
	maxEvents = 128
	// maxRounds is how many full batches a socket may have before the others have their turn.
	maxRounds = 4
	// yieldAfter is how long a loop goes on without telling Go's scheduler. After 10 ms (forcePreemptNS in runtime/proc.go
	// of Go 1.26) that holds it for one that does not let go: sysmon would take its processor away in every wait and be
	// woken at the end of each, which costs a fifth of all the time.
	yieldAfter = 5 * time.Millisecond
)

// loop is one goroutine and the sockets that it receives from.
type loop struct {
	plane *Plane
	index int
	epoll int
	// count is how many sockets there are.
	count atomic.Int32

	// mu guards the fields below.
	mu      sync.Mutex
	sockets map[int32]*socket
	// event wakes the loop; -1 once it is closed.
	event int

	// What follows belongs to the goroutine.
	batch   *Batch
	events  [maxEvents]unix.EpollEvent
	unread  []*socket
	pending []*socket
	pace    pace
}

func newLoop(p *Plane, index int) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("eventfd", err), unix.Close(epoll))
	}
	l := &loop{plane: p, index: index, epoll: epoll, event: event, sockets: make(map[int32]*socket)}
	l.batch = newBatch(l)
	if err := l.watch(event); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// watch asks for an event each time that something comes to a socket: edges, so that a socket which has been read needs not
// be looked at again.
func (l *loop) watch(fd int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

func (l *loop) add(s *socket) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fd < 0 {
		return os.ErrClosed
	}
	l.mu.Lock()
	l.sockets[int32(s.fd)] = s
	l.mu.Unlock()
	l.count.Add(1)
	return l.watch(s.fd)
}

// all returns the sockets.
func (l *loop) all() []*socket {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.sockets))
}

// remove forgets a socket that is about to be closed, upon which the kernel forgets it too.
func (l *loop) remove(s *socket) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.fd >= 0 && l.sockets[int32(s.fd)] == s {
		delete(l.sockets, int32(s.fd))
		l.count.Add(-1)
	}
}

// wake may come late, when the loop has ended on its own and been closed.
func (l *loop) wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.event >= 0 {
		_, _ = unix.Write(l.event, one[:]) // A full counter wakes as well.
	}
}

func (l *loop) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := errors.Join(unix.Close(l.epoll), unix.Close(l.event))
	l.event = -1
	return err
}

// run serves the loop's sockets until the context ends, upon which it must be woken.
func (l *loop) run(ctx context.Context) error {
	yielded := time.Now()
	for ctx.Err() == nil {
		if now := time.Now(); now.Sub(yielded) > yieldAfter {
			runtime.Gosched()
			yielded = now
		}
		wait := -1
		if len(l.unread) > 0 {
			wait = 0
		}
		n, err := unix.EpollWait(l.epoll, l.events[:], wait)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("epoll_wait", err)
		}
		if n > 0 && wait != 0 && l.pace.rest() {
			n = l.gather(n)
		}
		l.name(max(n, 0))
		for _, s := range l.pending {
			l.drain(s)
		}
	}
	return nil
}

// gather adds the sockets that have become readable meanwhile.
func (l *loop) gather(n int) int {
	if n == len(l.events) {
		return n
	}
	more, err := unix.EpollWait(l.epoll, l.events[n:], 0)
	if err != nil {
		return n
	}
	return n + more
}

// name lists the sockets that are to be read: those of the first n events, and those that had more than their share.
func (l *loop) name(n int) {
	l.pending, l.unread = l.unread, l.pending[:0]
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events[:n] {
		if s := l.sockets[e.Fd]; s != nil {
			l.pending = append(l.pending, s)
		}
	}
}

// drain hands the handler what a socket has. A batch that is not full has emptied it.
func (l *loop) drain(s *socket) {
	for range maxRounds {
		n := l.receive(s)
		if n == 0 {
			return
		}
		l.pace.saw(n)
		s.port.handler(l.batch)
		if n < BatchSize {
			return
		}
	}
	l.unread = append(l.unread, s)
}

func (l *loop) receive(s *socket) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fd < 0 {
		return 0
	}
	l.batch.port = s.port
	return l.batch.receive(s.fd)
}
