package obs

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Gauge is a figure that is read when somebody asks.
type Gauge struct {
	Name, Help string
	Value      func() float64
}

// Counter is a figure that only grows, one of those that share a name and differ in a label.
type Counter struct {
	Name, Help, Label, Of string
	Value                 func() float64
}

// Counters makes collectors for NewMetrics.
func Counters(counters []Counter) []prometheus.Collector {
	collectors := make([]prometheus.Collector, len(counters))
	for i, c := range counters {
		collectors[i] = prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "sightline", Name: c.Name, Help: c.Help, ConstLabels: prometheus.Labels{c.Label: c.Of},
		}, c.Value)
	}
	return collectors
}

// NewMetrics makes a registry of its own, with the figures of the Go runtime, of the process and those given.
func NewMetrics(gauges []Gauge, others ...prometheus.Collector) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(others...)
	for _, g := range gauges {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "sightline", Name: g.Name, Help: g.Help,
		}, g.Value))
	}
	return registry
}

// MetricsHandler serves a registry in the Prometheus text format.
func MetricsHandler(registry *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
