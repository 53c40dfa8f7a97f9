//go:build linux

package turnload

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lull is how long the sink lets packets gather after it has taken some. The kernel has noted when they came.
	lull = 300 * time.Microsecond
	// sinkTick bounds how long the sink waits before it looks whether it is to end, in milliseconds.
	sinkTick = 50
)

// sink is the thread that takes what comes to all UDP sockets.
type sink struct {
	epoll int

	// mu guards sockets, and is held while packets are handed over: a socket is closed under it.
	mu      sync.Mutex
	sockets map[int32]func(packet []byte, at int64)
}

func newSink() (*sink, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open an epoll: %w", err)
	}
	return &sink{epoll: epoll, sockets: make(map[int32]func([]byte, int64))}, nil
}

func (s *sink) close() error { return unix.Close(s.epoll) }

// add takes a socket, and closes it when it cannot.
func (s *sink) add(conn *socket, handle func(packet []byte, at int64)) error {
	fd := int32(conn.fd) //nolint:gosec // a descriptor
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, conn.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: fd}); err != nil {
		conn.close()
		return fmt.Errorf("watch a socket: %w", err)
	}
	s.sockets[fd] = handle
	return nil
}

// remove closes a socket.
func (s *sink) remove(conn *socket) {
	fd := int32(conn.fd) //nolint:gosec // a descriptor
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.sockets[fd]; ok {
		delete(s.sockets, fd)
		conn.close()
	}
}

// run hands packets over until ctx ends, on a thread of its own.
func (s *sink) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	events, in := make([]unix.EpollEvent, 128), newInbox()
	for ctx.Err() == nil {
		n, err := unix.EpollWait(s.epoll, events, sinkTick)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for packets: %w", err)
		}
		if n <= 0 {
			continue
		}
		s.take(events[:n], in)
		sleep(lull)
	}
	return nil
}

func (s *sink) take(events []unix.EpollEvent, in *inbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		if handle := s.sockets[e.Fd]; handle != nil {
			in.receive(int(e.Fd), handle)
		}
	}
}

// sleep keeps the thread, which is cheaper than to give it to another goroutine and want it back.
func sleep(d time.Duration) {
	length := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&length, nil) // A signal may end it early.
}
