package test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Docker cannot run everywhere the tests do: this reads what the images promise.
func TestTheImagesAreWhatTheyPromise(t *testing.T) {
	source, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages := dockerStages(string(source))
	for _, arg := range []string{"GO_IMAGE", "NODE_IMAGE", "BASE_IMAGE"} {
		if !slices.ContainsFunc(stages[""], func(line string) bool { return strings.HasPrefix(line, "ARG "+arg+"=") }) {
			t.Errorf("%s is no build argument before the first stage", arg)
		}
	}
	for _, target := range []string{"sightline", "agent"} {
		lines := stages[target]
		if len(lines) == 0 {
			t.Errorf("there is no target %s", target)
			continue
		}
		for _, want := range []string{`^FROM \$\{BASE_IMAGE\}`, `^USER [1-9]\d*:[1-9]\d*$`, `^ENTRYPOINT \["/sightline`, `^VOLUME /data$`} {
			if !slices.ContainsFunc(lines, regexp.MustCompile(want).MatchString) {
				t.Errorf("target %s has no line %s", target, want)
			}
		}
		for _, line := range lines {
			if strings.HasPrefix(line, "RUN ") {
				t.Errorf("target %s runs %q: a static base has no shell", target, line)
			}
		}
	}
	if !slices.ContainsFunc(stages["sightline"], func(line string) bool { return strings.HasPrefix(line, "HEALTHCHECK ") }) {
		t.Error("the server's image has no health check")
	}
	build := strings.Join(stages["programs"], "\n")
	for _, want := range []string{"CGO_ENABLED=0", "-trimpath", "./cmd/sightline ", "./cmd/sightline-agent", "COPY --from=pages"} {
		if !strings.Contains(build, want) {
			t.Errorf("the programs are built without %s", want)
		}
	}
}

// dockerStages returns the instructions of each stage by its name; those before the first stage are under "".
func dockerStages(source string) map[string][]string {
	stages, name := map[string][]string{}, ""
	named := regexp.MustCompile(`^FROM \S+ AS (\S+)$`)
	for line := range strings.Lines(strings.ReplaceAll(source, "\\\n", "")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if m := named.FindStringSubmatch(line); m != nil {
			name = m[1]
		}
		stages[name] = append(stages[name], line)
	}
	return stages
}
