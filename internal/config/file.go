package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	kongyaml "github.com/alecthomas/kong-yaml"
	"gopkg.in/yaml.v3"
)

// file is what a settings file says. The settings of a command stand under its name, those of all at the top; check
// reads those of serve, since it is about them.
type file struct {
	kong.Resolver
	keys []string
}

// loadFile reads a settings file for kong.
func loadFile(r io.Reader) (kong.Resolver, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	settings := map[string]any{}
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, fmt.Errorf("--config: the file is no YAML of settings: %w", oneLine(err))
	}
	resolver, err := kongyaml.Loader(bytes.NewReader(text))
	return &file{resolver, flatten("", settings)}, err
}

// oneLine is an error of the YAML library on one line.
func oneLine(err error) error {
	return errors.New(strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " "))
}

// flatten lists the settings with the names of their commands before them: serve-listen.
func flatten(prefix string, settings map[string]any) []string {
	var keys []string
	for key, value := range settings {
		if inner, ok := value.(map[string]any); ok {
			keys = append(keys, flatten(prefix+key+"-", inner)...)
		} else {
			keys = append(keys, prefix+key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Validate implements kong.Resolver: it finds settings that do not exist, in whatever command.
func (f *file) Validate(app *kong.Application) error {
	known := settingsOf("", app.Node)
	for _, key := range f.keys {
		if !slices.Contains(known, key) {
			return fmt.Errorf("--config: the file sets %q, which does not exist", key)
		}
	}
	return nil
}

func settingsOf(prefix string, node *kong.Node) []string {
	var keys []string
	for _, flag := range node.Flags {
		keys = append(keys, prefix+flag.Name)
	}
	for _, child := range node.Children {
		keys = append(keys, settingsOf(prefix+child.Name+"-", child)...)
	}
	return keys
}

// Resolve implements kong.Resolver. The environment weighs more than the file, for which kong would not care.
func (f *file) Resolve(kctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	value, err := f.Resolver.Resolve(kctx, parent, flag)
	if value == nil && err == nil && parent.Command != nil && parent.Command.Name == "check" {
		value, err = f.Resolver.Resolve(kctx, &kong.Path{Command: serveOf(kctx.Model)}, flag)
	}
	switch list := value.(type) {
	case map[string]any:
		return nil, err // its keys are settings that do not exist, which Validate finds
	case []any: // as on the command line, so that the errors are the same
		texts := make([]string, len(list))
		for i, v := range list {
			texts[i] = fmt.Sprint(v)
		}
		return strings.Join(texts, ","), err
	}
	return value, err
}

func serveOf(app *kong.Application) *kong.Command {
	i := slices.IndexFunc(app.Children, func(n *kong.Node) bool { return n.Name == "serve" })
	return app.Children[i]
}
