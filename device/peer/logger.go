package peer

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// loggers hand the library's log to ours, one step quieter: what it warns of (a STUN server that does not answer, a
// candidate of an address family that the host lacks) is everyday life here.
type loggers struct{ log *slog.Logger }

func (l loggers) NewLogger(scope string) logging.LeveledLogger {
	return logger{l.log.With("scope", scope)}
}

type logger struct{ log *slog.Logger }

func (l logger) Trace(string)          {}
func (l logger) Tracef(string, ...any) {}
func (l logger) Debug(string)          {}
func (l logger) Debugf(string, ...any) {}
func (l logger) Info(string)           {}
func (l logger) Infof(string, ...any)  {}

func (l logger) Warn(msg string)               { l.log.Debug("webrtc library warns", "err", msg) }
func (l logger) Warnf(format string, a ...any) { l.Warn(fmt.Sprintf(format, a...)) }

func (l logger) Error(msg string)               { l.Warn(msg) }
func (l logger) Errorf(format string, a ...any) { l.Warn(fmt.Sprintf(format, a...)) }
