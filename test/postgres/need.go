package postgres

import (
	"errors"
	"testing"
)

// Need starts a server that goes with the test, and skips the test on machines without PostgreSQL.
func Need(t *testing.T) *Server {
	t.Helper()
	server, err := Start(t.Context(), false)
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}
