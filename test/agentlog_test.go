package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logged are the methods whose messages a camera's owner reads.
var logged = []string{"Info", "Warn", "Error"}

var logRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (info|warn|error) \\|")

// Whoever reads the agent's log finds each line in docs/agent.md, and nothing there that is never said.
func TestEveryMessageOfTheAgentsLogIsExplained(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "agent.md"))
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string][]string{}
	for _, row := range logRow.FindAllStringSubmatch(string(text), -1) {
		if explained[row[1]] != nil {
			t.Errorf("docs/agent.md explains %q twice", row[1])
		}
		explained[row[1]] = append(explained[row[1]], row[2])
	}
	said, literals := messages(t, filepath.Join("..", "device"), filepath.Join("..", "cmd", "sightline-agent"))
	for message, level := range said {
		if explained[message] == nil {
			t.Errorf("docs/agent.md does not explain the message %q", message)
		} else if !slices.Contains(explained[message], level) {
			t.Errorf("docs/agent.md says that %q is of level %s, it is of %s", message, explained[message], level)
		}
	}
	for message := range explained {
		if !literals[message] {
			t.Errorf("docs/agent.md explains %q, which is never said", message)
		}
	}
}

// messages returns what the packages below some folders say to a logger, with its level, and all their texts.
func messages(t *testing.T, folders ...string) (said map[string]string, literals map[string]bool) {
	t.Helper()
	said, literals = map[string]string{}, map[string]bool{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if text, ok := literal(n); ok {
					literals[text] = true
				}
				if message, level, ok := logCall(n); ok {
					said[message] = level
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return said, literals
}

// logCall takes a call such as log.Warn("link lost", …) apart.
func logCall(n ast.Node) (message, level string, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", "", false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(logged, method.Sel.Name) {
		return "", "", false
	}
	message, ok = literal(call.Args[0])
	return message, strings.ToLower(method.Sel.Name), ok
}

func literal(n ast.Node) (string, bool) {
	basic, ok := n.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(basic.Value)
	return text, err == nil
}
