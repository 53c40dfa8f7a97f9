// Package typegen makes the types of package sightline of the API's document, so that both never differ.
package typegen

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/format"
	"maps"
	"os"
	"slices"
	"strings"
)

// Document is as much of the API's OpenAPI document as the SDK is held to.
type Document struct {
	Paths map[string]map[string]struct {
		OperationID string `json:"operationId"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type schema struct {
	Ref         string            `json:"$ref"`
	Type        any               `json:"type"`
	Format      string            `json:"format"`
	Description string            `json:"description"`
	Items       *schema           `json:"items"`
	Properties  map[string]schema `json:"properties"`
	Additional  any               `json:"additionalProperties"`
	Required    []string          `json:"required"`
	Minimum     *float64          `json:"minimum"`
}

// named are the properties that have types of package protocol, by the schema where the property alone does not tell.
var named = map[string]string{
	"device": "protocol.DeviceID", "Device.id": "protocol.DeviceID", "DeviceDetails.id": "protocol.DeviceID",
	"session": "protocol.SessionID", "Session.id": "protocol.SessionID", "SessionDetails.id": "protocol.SessionID",
	"project": "protocol.ProjectID", "owner": "protocol.ProjectID", "Project.id": "protocol.ProjectID", "ListedProject.id": "protocol.ProjectID",
	"grants": "protocol.Right", "rights": "protocol.Right", "reason": "protocol.Reason", "state": "protocol.SessionState",
	"means": "protocol.Means", "Fallback.reason": "string", "Webhook.state": "string", "Delivery.state": "string",
	"Presence.status": "protocol.Status", "Path.kind": "protocol.PathKind",
}

// own are the schemas for which the SDK has types of its own.
var own = []string{"Event", "EventsOutputBody", "Problem", "Fault", "EnrolInputBody", "EnrolOutputBody"}

// Read reads the document.
func Read(file string) (d Document, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return d, err
	}
	err = json.Unmarshal(text, &d)
	return d, err
}

// Generate returns the types of the document as a file of package sightline.
func Generate(d Document) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("// Code generated from the API's document by `go test ./sdk/go/internal/typegen -update`. DO NOT EDIT.\n\npackage sightline\n\n" +
		"import (\n\t\"encoding/json\"\n\t\"time\"\n\n\t\"github.com/sightline-rtc/sightline/protocol\"\n)\n\n" +
		"// Anything is JSON whose form depends on something else.\ntype Anything = json.RawMessage\n")
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		s := d.Components.Schemas[name]
		if _, page := s.Properties["next_cursor"]; slices.Contains(own, name) || page && len(s.Properties) == 2 {
			continue
		}
		s.write(&out, name)
	}
	return format.Source(out.Bytes())
}

func (s schema) write(out *bytes.Buffer, name string) {
	fmt.Fprintf(out, "\n// %s is %s of the API.\n", goType(name), name)
	fmt.Fprintf(out, "type %s struct {\n", goType(name))
	for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[field]
		if p.Description != "" {
			fmt.Fprintf(out, "\t// %s\n", strings.ReplaceAll(p.Description, "\n", " "))
		}
		required := slices.Contains(s.Required, field)
		tag, kind := field, p.goType(name, field)
		if !required {
			tag += ",omitzero"
			if optional(name, kind) || p.Ref != "" {
				kind = "*" + kind
			}
		}
		fmt.Fprintf(out, "\t%s %s `json:%q`\n", Name(field), kind, tag)
	}
	out.WriteString("}\n")
}

// optional reports whether what goes in has to tell zero from absent: a number or a truth value everywhere, and everything
// in a change, where absent means as before.
func optional(schema, kind string) bool {
	if !strings.HasSuffix(schema, "InputBody") {
		return false
	}
	return strings.HasPrefix(schema, "Change") || slices.Contains([]string{"bool", "int64", "float64"}, kind)
}

// goType is the Go type of a property.
func (s schema) goType(in, field string) string {
	if s.Ref != "" {
		return goType(s.Ref[strings.LastIndex(s.Ref, "/")+1:])
	}
	switch s.kind() {
	case "array":
		return "[]" + s.Items.goType(in, field)
	case "boolean":
		return "bool"
	case "integer":
		if s.Minimum != nil && *s.Minimum >= 0 && !strings.HasSuffix(in, "InputBody") {
			return "uint64"
		}
		return "int64"
	case "number":
		return "float64"
	case "string":
		if s.Format == "date-time" {
			return "time.Time"
		}
		return cmp.Or(named[in+"."+field], named[field], "string")
	}
	return "Anything"
}

// kind is the JSON type, whether or not null may stand for it.
func (s schema) kind() string {
	switch kind := s.Type.(type) {
	case string:
		return kind
	case []any:
		for _, one := range kind {
			if one != "null" {
				return fmt.Sprint(one)
			}
		}
	}
	return ""
}

// goType is how the SDK calls a schema: bodies are what goes in and what comes out.
func goType(schema string) string { return strings.TrimSuffix(schema, "Body") }

// Name turns a name of JSON into one of Go.
func Name(name string) string {
	initials := map[string]string{
		"id": "ID", "ms": "MS", "s": "Seconds", "url": "URL", "ttl": "TTL", "hd": "HD", "fps": "FPS", "rtt": "RTT", "ice": "ICE", "dtls": "DTLS",
		"nat": "NAT", "tcp": "TCP", "udp": "UDP", "ipv6": "IPv6", "gb": "GB", "sdp": "SDP", "http": "HTTP", "json": "JSON", "etag": "ETag", "kvs": "KVS",
	}
	var out strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		if known, ok := initials[part]; ok {
			out.WriteString(known)
			continue
		}
		out.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return out.String()
}
