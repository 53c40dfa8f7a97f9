package test

import (
	"os"
	"regexp"
	"testing"
)

func TestTheDocumentOfTheProtocolNamesEverything(t *testing.T) {
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	all := constants(t)
	for _, kind := range []string{
		"Type", "Code", "CloseCode", "Reason", "ResumeReason", "FallbackReason", "Transport", "Role", "Right", "SessionState",
		"Status", "PathPolicy", "PathKind", "DescribeKind", "Means", "NATBehaviour", "PortMapping", "MappingFault",
	} {
		if len(all[kind]) == 0 {
			t.Errorf("package protocol has no %s", kind)
		}
		for _, value := range all[kind] {
			if !regexp.MustCompile("`[^`\n]*\\b" + value + "\\b[^`\n]*`|\\| " + value + " \\|").Match(text) {
				t.Errorf("docs/protocol.md does not name the %s %s", kind, value)
			}
		}
	}
}
