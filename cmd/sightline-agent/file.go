package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sightline-rtc/sightline/device"
)

// maxFileBytes bounds a file of settings: a thousand times what one camera needs.
const maxFileBytes = 1 << 20

// file is what a file of settings says: flags, written down, and the cameras. Its keys are the flags' names, with an
// underscore for a hyphen.
type file struct {
	name    string
	cameras []device.CameraConfig
	// secrets says that it holds a code or a password.
	secrets bool
	faults  []error
}

// readFile reads a file of settings into the flags that were not given, and its cameras. exposed says that others on this machine
// can read secrets in it.
func readFile(path string, set *flag.FlagSet) (cameras []device.CameraConfig, exposed bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, fmt.Errorf("--config: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, false, fmt.Errorf("--config: %w", err)
	}
	if len(text) > maxFileBytes {
		return nil, false, fmt.Errorf("--config: %s has more than %d bytes", path, maxFileBytes)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, false, fmt.Errorf("--config: %w", err)
	}
	read := decodeFile(filepath.Base(path), text, set)
	const others = 0o004
	exposed = read.secrets && info.Mode().Perm()&others != 0 && runtime.GOOS != "windows" // which makes up the mode
	return read.cameras, exposed, errors.Join(read.faults...)
}

// decodeFile reads the text of a file of settings.
func decodeFile(name string, text []byte, set *flag.FlagSet) *file {
	f := &file{name: name}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		words := strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " ")
		if strings.Contains(words, "mapping values") {
			words += `: a value that ends in a colon needs quotes, as "test:"`
		}
		f.faults = append(f.faults, fmt.Errorf("%s: %s", name, words))
		return f
	}
	if len(document.Content) == 0 {
		return f // it is empty
	}
	own := slices.DeleteFunc(flagNames(set), func(flag string) bool { return flag == "config" || slices.Contains(ofCamera, flag) })
	given := given(set)
	f.eachPair(document.Content[0], "the file", append(own, "cameras"), func(key, value *yaml.Node, flag string) {
		switch {
		case flag == "cameras":
			f.readCameras(value)
			for _, name := range ofCamera {
				if given[name] && len(f.cameras) > 0 {
					f.fault(key, "--%s is for an agent without a list of cameras; set it in the list", name)
				}
			}
		case !given[flag]:
			f.set(set, key, value, flag)
		}
	})
	return f
}

func (f *file) readCameras(list *yaml.Node) {
	if list.Kind != yaml.SequenceNode {
		f.fault(list, "cameras is a list, each of its items begins with a hyphen")
		return
	}
	lines := map[string]int{}
	for _, item := range list.Content {
		item = resolve(item)
		camera, ok := f.readCamera(item)
		if !ok {
			continue
		}
		if line := lines[camera.ID]; line > 0 {
			f.fault(item, "the camera of line %d has the id %s too", line, camera.ID)
			continue
		}
		lines[camera.ID] = item.Line
		f.cameras = append(f.cameras, camera)
	}
}

// readCamera reads a camera; ok says that nothing is wrong with it.
func (f *file) readCamera(item *yaml.Node) (c device.CameraConfig, ok bool) {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	id := set.String("id", "", "")
	read := cameraFlags(set)
	faults := len(f.faults)
	f.eachPair(item, "a camera", flagNames(set), func(key, value *yaml.Node, flag string) { f.set(set, key, value, flag) })
	c = read()
	c.ID = *id
	f.secrets = f.secrets || secretive(set)
	if len(f.faults) > faults {
		return c, false
	}
	if c.ID == "" {
		f.fault(item, "the camera has no id: a short name that stays, such as door")
		return c, false
	}
	if err := c.Check(); err != nil {
		f.fault(item, "%v", err)
		return c, false
	}
	return c, true
}

// eachPair calls use for each key of a mapping that is the name of one of these flags.
func (f *file) eachPair(mapping *yaml.Node, what string, flags []string, use func(key, value *yaml.Node, flag string)) {
	if mapping = resolve(mapping); mapping.Kind != yaml.MappingNode {
		f.fault(mapping, "%s consists of lines such as name: value", what)
		return
	}
	lines := map[string]int{}
	for n := 0; n+1 < len(mapping.Content); n += 2 {
		key, value := mapping.Content[n], resolve(mapping.Content[n+1])
		flag := strings.ReplaceAll(key.Value, "_", "-")
		switch {
		case !slices.Contains(flags, flag):
			f.fault(key, "%s has no key %s%s", what, shown(key.Value), hint(flag, flags))
		case lines[flag] > 0:
			f.fault(key, "%s stands in line %d already", key.Value, lines[flag])
		default:
			lines[flag] = key.Line
			use(key, value, flag)
		}
	}
}

// set gives a flag the value of a key.
func (f *file) set(set *flag.FlagSet, key, value *yaml.Node, flag string) {
	text := value.Value
	switch {
	case value.Kind == yaml.SequenceNode && flag == "stun":
		var urls []string
		for _, item := range value.Content {
			urls = append(urls, resolve(item).Value)
		}
		text = strings.Join(urls, ",")
	case value.Kind != yaml.ScalarNode:
		f.fault(key, "%s has one value", key.Value)
		return
	case value.Tag == "!!null":
		f.fault(key, "%s has no value", key.Value)
		return
	}
	if err := set.Set(flag, text); err != nil { // of a number, a time or a yes and no, which are no secrets
		f.fault(value, "%s cannot be %q", key.Value, text)
	}
}

func (f *file) fault(at *yaml.Node, format string, args ...any) {
	f.faults = append(f.faults, fmt.Errorf("%s:%d: %s", f.name, at.Line, fmt.Sprintf(format, args...)))
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
