package turn

import (
	"flag"
	"fmt"
	"testing"
)

// portablePath is whether servers of tests do without event loops.
var portablePath bool

// TestMain runs the tests over both paths of packets.
func TestMain(m *testing.M) {
	for _, portable := range paths() {
		portablePath = portable
		if m.Run() != 0 {
			return
		}
	}
}

func paths() []bool {
	flag.Parse()
	if fuzzing := flag.Lookup("test.fuzz"); fuzzing != nil && fuzzing.Value.String() != "" {
		return []bool{false}
	}
	fmt.Println("each test runs twice: with event loops where there are any, and without")
	return []bool{false, true}
}
