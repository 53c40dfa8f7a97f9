package main

import (
	"context"
	"os"
	ossignal "os/signal"
	"sync"
	"syscall"
)

// interrupts returns what the first SIGINT or SIGTERM ends, which asks the program to stop, and what the second does,
// which asks it to hurry. A third kills it. release ends both and gives the signals back.
func interrupts() (stop, hurry context.Context, release func()) {
	signals := make(chan os.Signal, 2)
	ossignal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	stop, stopNow := context.WithCancel(context.Background())
	hurry, hurryUp := context.WithCancel(context.Background())
	released := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		defer ossignal.Stop(signals)
		for _, end := range []context.CancelFunc{stopNow, hurryUp} {
			select {
			case <-signals:
				end()
			case <-released:
				return
			}
		}
	})
	return stop, hurry, func() {
		close(released)
		work.Wait()
		stopNow()
		hurryUp()
	}
}
