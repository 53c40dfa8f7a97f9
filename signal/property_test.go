package signal

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/soak"
)

// operationsPerRun is how much happens in one run: enough for a link to be lost in every way, few enough to be read.
const operationsPerRun = 250

// randomOperations are the same for a seed.
func randomOperations(seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 2))
	operations := make([]byte, 2*operationsPerRun)
	for i := range operations {
		operations[i] = byte(random.Uint32())
	}
	return operations
}

func TestAnyInterleavingDeliversOnceInOrderOrSaysHonestlyThatItCannot(t *testing.T) {
	for seed := range uint64(soak.Count(80, 20_000)) { //nolint:gosec // a small number
		operations := randomOperations(seed)
		if _, err := explore(t, operations); err != nil {
			reportShrunk(t, fmt.Sprintf("seed %d", seed), operations, err)
		}
	}
}

// FuzzLink is the property test with operations of the fuzzer's choice, two bytes each.
func FuzzLink(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomOperations(seed)[:120])
	}
	f.Fuzz(func(t *testing.T, operations []byte) {
		if len(operations) > 2*operationsPerRun {
			operations = operations[:2*operationsPerRun]
		}
		if history, err := explore(t, operations); err != nil {
			t.Fatalf("%v\n%s", err, strings.Join(history, "\n"))
		}
	})
}

// reportShrunk fails the test with as few of the operations as show a fault.
func reportShrunk(t *testing.T, name string, operations []byte, err error) {
	t.Helper()
	history, found := explore(t, operations)
	if found == nil {
		t.Fatalf("%s: %v, and not when it ran again", name, err)
	}
	for size := len(operations) / 4 * 2; size >= 2; size = size / 4 * 2 {
		for at := 0; at+size <= len(operations); {
			fewer := append(append([]byte(nil), operations[:at]...), operations[at+size:]...)
			if h, e := explore(t, fewer); e != nil {
				operations, history, found = fewer, h, e
			} else {
				at += size
			}
		}
	}
	t.Fatalf("%s: %v\nwhich %d operations show, %x:\n%s", name, found, len(operations)/2, operations, strings.Join(history, "\n"))
}
