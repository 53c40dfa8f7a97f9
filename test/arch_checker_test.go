package test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sightline-rtc/sightline"

// file is what the rules look at in one Go file, whatever its build constraints.
type file struct {
	path    string // from the repository's root
	dir     string
	test    bool
	lines   int
	written bool // by a program, not by a person
	imports []string
	calls   []string // "os.Exit", for the packages that the rules name
}

// tree reads every Go file of the repository.
func tree(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		f, err := read(path)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files found: the rules would hold for nothing")
	}
	return files
}

func read(path string) (file, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return file{}, err
	}
	rel := strings.TrimPrefix(filepath.ToSlash(path), "../")
	return parse(rel, source)
}

func parse(path string, source []byte) (file, error) {
	dir := filepath.ToSlash(filepath.Dir(path))
	f := file{path: path, dir: dir, test: strings.HasSuffix(path, "_test.go"), lines: bytes.Count(source, []byte("\n"))}
	parsed, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return file{}, fmt.Errorf("parse %s: %w", path, err)
	}
	f.written = ast.IsGenerated(parsed)
	for _, i := range parsed.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, name)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				f.calls = append(f.calls, x.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return f, nil
}

func badImports(files []file) (bad []string) {
	for _, f := range files {
		from, at := home(f.dir)
		if at < 0 {
			bad = append(bad, fmt.Sprintf("%s: the package %s has no floor", f.path, f.dir))
			continue
		}
		for _, i := range f.imports {
			target, ok := strings.CutPrefix(i, module+"/")
			if !ok {
				continue
			}
			to, below := home(target)
			if why := refused(f, target, from, to, at, below); why != "" {
				bad = append(bad, fmt.Sprintf("%s: imports %s: %s", f.path, target, why))
			}
		}
	}
	return bad
}

func refused(f file, target, from, to string, at, below int) string {
	switch {
	case below < 0:
		return "that package has no floor"
	case f.test && to == "test":
		return "" // a test may use the lab wherever it stands
	case from == "device" && to == "device":
		return stepsOver(f.dir, target)
	case from == to, below < at, slices.Contains(beside[from], to):
		return ""
	case below == at:
		return "neighbours are strangers"
	default:
		return "imports point down"
	}
}

// home returns the package of the floors that a directory belongs to, and its floor; -1 when it has none.
func home(dir string) (name string, floor int) {
	for n, packages := range floors {
		for _, p := range packages {
			if within(dir, p) {
				return p, n
			}
		}
	}
	return dir, -1
}

func stepsOver(dir, target string) string {
	from, to := slices.Index(rooms, dir), slices.Index(rooms, target)
	switch {
	case from < 0:
		return dir + " has no place among the agent's rooms"
	case to < 0:
		return target + " has no place among the agent's rooms"
	case slices.Contains(strangers, [2]string{dir, target}):
		return "these two never import each other"
	case to > from:
		return "imports point down, in the agent as well"
	}
	return ""
}

func badLibraries(files []file) (bad []string) {
	for _, f := range files {
		if f.test || within(f.dir, "test") {
			continue
		}
		for _, i := range f.imports {
			for library, allowed := range owners {
				if within(i, library) && !anyWithin(f.dir, allowed) {
					bad = append(bad, fmt.Sprintf("%s: imports %s, which belongs to %s", f.path, i, strings.Join(allowed, " and ")))
				}
			}
		}
	}
	return bad
}

func badProtocol(files []file) (bad []string) {
	for _, f := range files {
		if f.dir != "protocol" || f.test {
			continue
		}
		for _, i := range f.imports {
			if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") {
				bad = append(bad, fmt.Sprintf("%s: imports %s, which is not of the standard library", f.path, i))
			}
		}
	}
	return bad
}

func badCalls(files []file) (bad []string) {
	for _, f := range files {
		if f.test || within(f.dir, "test") {
			continue
		}
		made := slices.Clone(f.calls)
		for _, i := range f.imports {
			made = append(made, "import "+i)
		}
		for _, call := range made {
			if allowed, ruled := asked[call]; ruled && !anyWithin(f.dir, allowed) {
				bad = append(bad, fmt.Sprintf("%s: %s belongs to %s", f.path, call, strings.Join(allowed, " and ")))
			}
		}
	}
	return bad
}

func longFiles(files []file) (bad []string) {
	for _, f := range files {
		if !f.test && !f.written && f.lines > maxLines {
			bad = append(bad, fmt.Sprintf("%s: %d lines: what is its second idea?", f.path, f.lines))
		}
	}
	return bad
}

func carried(dependencies []string) (bad []string) {
	for _, d := range dependencies {
		for _, library := range serverOnly {
			if within(d, library) {
				bad = append(bad, "the agent carries "+d)
			}
		}
	}
	return bad
}

// within reports whether a path is the other or lies below it.
func within(path, top string) bool { return path == top || strings.HasPrefix(path, top+"/") }

func anyWithin(path string, tops []string) bool {
	return slices.ContainsFunc(tops, func(top string) bool { return within(path, top) })
}
