package signal

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// meansNone is the label of sessions without a path.
const meansNone = "none"

// figures are what the hub counts of sessions' paths.
type figures struct {
	first, direct prometheus.Histogram
	ended         *prometheus.CounterVec
	stills        *prometheus.CounterVec
	opened        *prometheus.CounterVec
}

func newFigures() *figures {
	// From the fastest of a lab to what a person will wait for.
	seconds := []float64{.025, .05, .1, .2, .3, .5, .7, 1, 1.5, 2.5, 5, 10, 30}
	f := &figures{
		first: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "sightline", Name: "first_path_seconds", Buckets: seconds,
			Help: "How long after its open a session had its first path.",
		}),
		direct: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "sightline", Name: "direct_path_seconds", Buckets: seconds,
			Help: "How long after its open a session had its first direct path.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "sightline", Name: "sessions_ended_total",
			Help: "Sessions that have ended, by the path that they had last.",
		}, []string{"path", "means"}),
		stills: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "sightline", Name: "snapshots_total",
			Help: "Still pictures that were asked for, by what came of it.",
		}, []string{"result"}),
	}
	f.opened = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "sightline", Name: "sessions_opened_total",
		Help: "Sessions that were opened, by the door that their viewers came by.",
	}, []string{"door"})
	for _, door := range viewerDoors {
		f.opened.WithLabelValues(string(door))
	}
	for _, result := range stillResults {
		f.stills.WithLabelValues(result)
	}
	for _, means := range append([]protocol.Means{""}, record.Means...) {
		f.ended.WithLabelValues(labelsOf(means)...)
	}
	return f
}

// viewerDoors are those that viewers come by.
var viewerDoors = []protocol.Transport{
	protocol.TransportWebSocket, protocol.TransportLongPoll, protocol.TransportWHEP, protocol.TransportKVS, protocol.TransportREST,
}

// What came of the wish for a still picture.
const (
	stillRemembered = "memory"
	stillTaken      = "camera"
	stillNone       = "none" // the camera has none, or is offline
	stillLate       = "timeout"
)

var stillResults = []string{stillRemembered, stillTaken, stillNone, stillLate}

// labelsOf are the values of path and means; there are only those of record.Means, and none.
func labelsOf(means protocol.Means) []string {
	switch means {
	case "":
		return []string{meansNone, meansNone}
	case protocol.MeansRelay:
		return []string{string(protocol.PathRelay), string(means)}
	}
	return []string{string(protocol.PathDirect), string(means)}
}

// Collectors returns the hub's metrics of paths and still pictures, for a registry of the caller's.
func (h *Hub) Collectors() []prometheus.Collector {
	return []prometheus.Collector{h.figures.first, h.figures.direct, h.figures.ended, h.figures.stills, h.figures.opened, openPaths{h}}
}

// openPaths counts the open sessions by path when somebody asks.
type openPaths struct{ hub *Hub }

var openPathsDesc = prometheus.NewDesc("sightline_session_paths", "Open sessions, by the path that they have.", []string{"path", "means"}, nil)

// Describe implements prometheus.Collector.
func (openPaths) Describe(ch chan<- *prometheus.Desc) { ch <- openPathsDesc }

// Collect implements prometheus.Collector.
func (p openPaths) Collect(ch chan<- prometheus.Metric) {
	counts := map[protocol.Means]int{"": 0}
	for _, means := range record.Means {
		counts[means] = 0
	}
	p.hub.mu.Lock()
	for _, s := range p.hub.sessions {
		counts[s.row.Account.Means]++
	}
	p.hub.mu.Unlock()
	for means, n := range counts {
		ch <- prometheus.MustNewConstMetric(openPathsDesc, prometheus.GaugeValue, float64(n), labelsOf(means)...)
	}
}
