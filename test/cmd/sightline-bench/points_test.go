//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/record"
)

func TestWhatTheProcessThatSettlesSaysIsWhatTheLedgerHas(t *testing.T) {
	at := pointsPlace{Dir: t.TempDir()}
	s, err := at.open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		if _, err := s.CreateProject(t.Context(), pointsProject(n), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.AddPoints(t.Context(), pointsProject(n), 10*record.Point, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	where, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(pointsPlaceVariable, string(where))
	c := newCounters(10)
	var said bytes.Buffer
	if err := servePoints(t.Context(), []string{"2", "0"}, strings.NewReader(c.undone()), &said); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(&said); lines.Scan(); {
		if err := c.hear(bytes.Fields(lines.Bytes())); err != nil {
			t.Fatal(err)
		}
	}
	if c.left() != 0 || len(c.kept) != 10 {
		t.Errorf("%d sessions are left, %d were counted", c.left(), len(c.kept))
	}
	r := &pointsReport{}
	if err := (pointsOrder{projects: 2}).audit(t.Context(), at, c, r); err != nil {
		t.Fatal(err)
	}
	if r.NegativeBalances != 0 || r.LedgerMinusCounters != 0 || r.settled == 0 || r.unbalanced != 0 || r.held != 0 || r.absorbed != 0 {
		t.Errorf("got %+v", r)
	}
	// Who forgets a count, or makes one up, is found out.
	for allocation := range c.kept {
		c.kept[allocation]++
		c.sent[allocation]++
		break
	}
	r = &pointsReport{}
	if err := (pointsOrder{projects: 2}).audit(t.Context(), at, c, r); err != nil || r.LedgerMinusCounters != 1 {
		t.Errorf("got %d bytes, %v, want 1", r.LedgerMinusCounters, err)
	}
}
