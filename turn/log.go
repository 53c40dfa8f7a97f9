package turn

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs hands pion/turn loggers that write to ours at Debug, whatever pion holds of the matter: what a client does
// wrong is nothing that a person must act on.
type pionLogs struct{ log *slog.Logger }

// NewLogger returns a logger for one part of pion/turn.
func (l pionLogs) NewLogger(string) logging.LeveledLogger { return pionLog(l) }

// pionLog leaves out what pion/turn says of every packet, at Trace and Debug. The requests that fail, which are among
// it, arrive as events.
type pionLog struct{ log *slog.Logger }

func (l pionLog) Trace(string)          {}
func (l pionLog) Tracef(string, ...any) {}
func (l pionLog) Debug(string)          {}
func (l pionLog) Debugf(string, ...any) {}

func (l pionLog) Info(msg string)                   { l.say(msg) }
func (l pionLog) Infof(format string, args ...any)  { l.sayf(format, args...) }
func (l pionLog) Warn(msg string)                   { l.say(msg) }
func (l pionLog) Warnf(format string, args ...any)  { l.sayf(format, args...) }
func (l pionLog) Error(msg string)                  { l.say(msg) }
func (l pionLog) Errorf(format string, args ...any) { l.sayf(format, args...) }

func (l pionLog) say(text string) { l.log.Debug("pion turn", "err", text) }

func (l pionLog) sayf(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.say(fmt.Sprintf(format, args...))
	}
}
