package app

import (
	"context"
	"sync"
	"time"
)

// drainRelay refuses new allocations once the server is stopping, and keeps those that live for --relay-drain at most.
func (s *Server) drainRelay(base, running context.Context) {
	<-running.Done()
	ctx, cancel := context.WithTimeout(base, s.config.RelayDrain)
	defer cancel()
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-s.hurried:
			cancel()
		case <-ctx.Done():
		}
	})
	start := time.Now()
	left := s.relay.Drain(ctx)
	cancel()
	watch.Wait()
	s.logger.Info("relay drained", "left", left, "took", time.Since(start).Round(time.Millisecond))
}
