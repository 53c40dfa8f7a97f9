package obs

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLogger makes a logger that writes lines of text or JSON at a level ("debug", "info", "warn", "error") and above.
func NewLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("the log level is debug, info, warn or error, not %q", level)
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("the log format is text or json, not %q", format)
}
