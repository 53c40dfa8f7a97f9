package source

import (
	"fmt"
	"strings"
)

// Open makes the source that a specification names: "test:", "file:PATH", "exec:COMMAND" or "rtsp://…". An empty one means "test:".
// The errors say in words what is wrong with the specification, without its secrets; nothing is dialled yet.
func Open(spec string, cfg Config) (Source, error) {
	scheme, rest, found := strings.Cut(spec, ":")
	switch {
	case spec == "":
		return openTest("", cfg)
	case !found:
		return nil, fmt.Errorf("source %q has no scheme: write test:, file:PATH, exec:COMMAND or rtsp://host/path", spec)
	}
	switch strings.ToLower(scheme) {
	case "test":
		if rest != "" && rest[0] != '?' {
			return nil, fmt.Errorf("source test: options follow a question mark, as in test:?fps=30&size=640x360")
		}
		return openTest(strings.TrimPrefix(rest, "?"), cfg)
	case "file":
		return openFile(rest, cfg)
	case "exec":
		return openExec(rest, cfg)
	case "rtsp", "rtsps":
		return openRTSP(spec, cfg)
	default:
		return nil, fmt.Errorf("source scheme %q is unknown: there are test:, file:, exec:, rtsp:// and rtsps://", scheme)
	}
}
