package test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// asyncAPI is docs/asyncapi.yaml.
type asyncAPI object

// What YAML and JSON are made of.
type (
	object = map[string]any
	list   = []any
)

func readAsyncAPI(t *testing.T) asyncAPI {
	t.Helper()
	b, err := os.ReadFile("../docs/asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var d object
	if err := yaml.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// at returns the part under a path, which is empty if it is not there.
func (d asyncAPI) at(path ...string) object {
	part := object(d)
	for _, name := range path {
		part, _ = part[name].(object)
	}
	return part
}

// resolve follows references within the document.
func (d asyncAPI) resolve(schema object) object {
	for {
		ref, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		schema = d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
}

// message says what is wrong with a message of the link.
func (d asyncAPI) message(b []byte) (faults []string) {
	var value object
	if err := json.Unmarshal(b, &value); err != nil {
		return []string{err.Error()}
	}
	name, _ := value["type"].(string)
	payload := d.at("components", "messages", name, "payload")
	if payload == nil {
		return []string{fmt.Sprintf("there is no message %q", name)}
	}
	d.check(payload, value, "", func(fault string) { faults = append(faults, fault) })
	return faults
}

// check holds a value against a schema. It knows the words of JSON Schema that the document uses, and no others.
func (d asyncAPI) check(schema object, value any, at string, report func(string)) {
	schema = d.resolve(schema)
	if schema == nil {
		report(at + ": a reference leads nowhere")
	}
	for _, word := range slices.Sorted(maps.Keys(schema)) {
		want := schema[word]
		ok := true
		switch word {
		case "description", "required", "properties":
		case "type":
			ok = isA(value, want.(string))
		case "const":
			ok = fmt.Sprint(value) == fmt.Sprint(want)
		case "enum", "x-values":
			ok = slices.Contains(listed(schema), fmt.Sprint(value))
		case "pattern":
			ok = regexp.MustCompile(want.(string)).MatchString(fmt.Sprint(value))
		case "format":
			_, err := time.Parse(time.RFC3339, fmt.Sprint(value))
			ok = err == nil && want == "date-time"
		case "minimum", "maximum", "minItems", "maxItems", "maxLength":
			ok = keeps(word, size(value), float64(want.(int)))
		case "items":
			elements, _ := value.(list)
			for i, element := range elements {
				d.check(want.(object), element, fmt.Sprintf("%s[%d]", at, i), report)
			}
		case "allOf":
			for _, part := range want.(list) {
				d.check(part.(object), value, at, report)
			}
		default:
			report(fmt.Sprintf("%s: this test does not know the word %s", at, word))
		}
		if !ok {
			report(fmt.Sprintf("%s: %v is not of %s %v", at, value, word, want))
		}
	}
	d.checkFields(schema, value, at, report)
}

func (d asyncAPI) checkFields(schema object, value any, at string, report func(string)) {
	fields, _ := value.(object)
	for _, name := range words(schema["required"]) {
		if _, ok := fields[name]; !ok {
			report(at + "." + name + " is missing")
		}
	}
	properties, _ := schema["properties"].(object)
	for name, property := range properties {
		if field, ok := fields[name]; ok {
			d.check(property.(object), field, at+"."+name, report)
		}
	}
}

func isA(value any, kind string) bool {
	switch v := value.(type) {
	case object:
		return kind == "object"
	case list:
		return kind == "array"
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	}
	return false
}

// size is what a limit is about: a number itself, the length of anything else.
func size(value any) float64 {
	switch v := value.(type) {
	case float64:
		return v
	case string:
		return float64(utf8.RuneCountInString(v))
	}
	return float64(reflect.ValueOf(value).Len())
}

func keeps(word string, got, limit float64) bool {
	if strings.HasPrefix(word, "min") {
		return got >= limit
	}
	return got <= limit
}

// listed are the values that a schema allows, or knows.
func listed(schema object) []string {
	if values, ok := schema["x-values"].(object); ok {
		return slices.Collect(maps.Keys(values))
	}
	return words(schema["enum"])
}

func words(value any) (words []string) {
	elements, _ := value.(list)
	for _, element := range elements {
		words = append(words, fmt.Sprint(element))
	}
	return words
}

// constants are the values of package protocol's constants by the name of their type, sorted.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../protocol/*.go")
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string][]string)
	for _, file := range files {
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || strings.HasSuffix(file, "_test.go") || len(spec.Values) != 1 {
				return true
			}
			name, named := spec.Type.(*ast.Ident)
			literal, given := spec.Values[0].(*ast.BasicLit)
			if named && given {
				values[name.Name] = append(values[name.Name], strings.Trim(literal.Value, `"`))
			}
			return true
		})
	}
	for _, known := range values {
		slices.Sort(known)
	}
	return values
}
