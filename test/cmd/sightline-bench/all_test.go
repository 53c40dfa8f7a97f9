//go:build linux

package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestStandardMeasurementsExist(t *testing.T) {
	for _, line := range standard {
		name, _, _ := strings.Cut(line, " ")
		if err := dispatch(t.Context(), []string{name, "--help"}, io.Discard, io.Discard); err == nil || strings.Contains(err.Error(), "no measurement") {
			t.Errorf("%s: got %v, want its help", line, err)
		}
	}
}

func TestAMeasurementThatFailsDoesNotStopTheOthers(t *testing.T) {
	var out bytes.Buffer
	err := measureAll(t.Context(), []string{"relay --pairs 0", "links --count 0"}, &out, io.Discard)
	if err == nil || strings.Count(out.String(), "failed: ") != 2 || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got %v and\n%s\nwant both failures in both", err, &out)
	}
}
