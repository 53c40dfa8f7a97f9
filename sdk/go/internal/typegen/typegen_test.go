package typegen

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write types.go anew from the API's document")

func TestTypesAreThoseOfTheDocument(t *testing.T) {
	const file = "../../types.go"
	document, err := Read("../../../../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Generate(document)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("types.go is not of the document; `go test ./sdk/go/internal/typegen -update` writes it (-want +got):\n%s", diff)
	}
}
