package obs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestLogHasItsFormAndLevel(t *testing.T) {
	var out strings.Builder
	logger, err := NewLogger(&out, "json", "warn")
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("not said")
	logger.Warn("said", "device", "cam-1")
	var line map[string]any
	if err := json.Unmarshal([]byte(out.String()), &line); err != nil || line["msg"] != "said" || line["device"] != "cam-1" {
		t.Errorf("got %q, %v, want one line of JSON", out.String(), err)
	}
	for _, wrong := range [][2]string{{"xml", "info"}, {"text", "loud"}} {
		if _, err := NewLogger(&out, wrong[0], wrong[1]); err == nil {
			t.Errorf("format %q and level %q: got no error", wrong[0], wrong[1])
		}
	}
}

func TestGaugesAreReadWhenSomebodyAsks(t *testing.T) {
	value := 1.0
	handler := MetricsHandler(NewMetrics([]Gauge{{Name: "sessions", Help: "Open sessions.", Value: func() float64 { return value }}}))
	value = 7
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if body := response.Body.String(); !strings.Contains(body, "\nsightline_sessions 7\n") || !strings.Contains(body, "process_open_fds") {
		t.Errorf("got\n%s", body)
	}
}
