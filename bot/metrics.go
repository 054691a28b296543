package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/store"
)

// metrics are what operators watch, as Prometheus reads it. No label says who
// did something, about whom or in which tenant.
type metrics struct {
	registry *prometheus.Registry
	events   *prometheus.HistogramVec // by kind and outcome
	calls    *prometheus.HistogramVec // by operation and result
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		events: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "twokey_event_duration_seconds", Help: "How long it took to answer what a person did in the chat.",
			Buckets: []float64{.01, .05, .1, .3, 1, 3, 10, 60},
		}, []string{"kind", "outcome"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "twokey_graph_call_duration_seconds", Help: "How long one call of Microsoft Graph took, what it asked, and how it ended.",
			Buckets: []float64{.05, .1, .3, 1, 3, 10, 30, 90},
		}, []string{"operation", "result"}),
	}
	about := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "twokey_build_info", Help: "Which program this is.", ConstLabels: prometheus.Labels{"build": build()},
	}, func() float64 { return 1 })
	m.registry.MustRegister(m.events, m.calls, about,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler measures what h answers.
func (m *metrics) handler(h chat.Handler) chat.Handler {
	kinds := map[chat.EventKind]string{chat.Command: "command", chat.Mention: "mention", chat.Press: "press"}
	return chat.HandlerFunc(func(ctx context.Context, r chat.Responder, e chat.Event) error {
		began := time.Now()
		err := h.Handle(ctx, r, e)
		outcome := "answered"
		if err != nil {
			outcome = "failed"
		}
		m.events.WithLabelValues(kinds[e.Kind], outcome).Observe(time.Since(began).Seconds())
		return err
	})
}

// call measures one call of the tenant.
func (m *metrics) call(op, result string, took time.Duration) {
	m.calls.WithLabelValues(op, result).Observe(took.Seconds())
}

// standing reads, when it is asked for, how things stand.
type standing struct {
	of    func(context.Context) (store.Standing, error)
	chat  interface{ Ready() error }
	whole func() error // an error if the audit record is damaged
	reach func(context.Context) error
}

var (
	openRequests = prometheus.NewDesc("twokey_requests", "Requests in a state that is not final.", []string{"state"}, nil)
	owed         = prometheus.NewDesc("twokey_outbox_messages", "Messages that are not shown yet as they should be.", nil, nil)
	failing      = prometheus.NewDesc("twokey_outbox_failing_messages", "Those of them that could not be sent when that was tried.", nil, nil)
	recorded     = prometheus.NewDesc("twokey_audit_records_total", "Records of the audit record.", nil, nil)
	damagedNow   = prometheus.NewDesc("twokey_audit_damaged", "1 if the audit record is damaged, so that every change is refused.", nil, nil)
	frozenNow    = prometheus.NewDesc("twokey_frozen_tenants", "Tenants in which nothing may be changed.", nil, nil)
	connected    = prometheus.NewDesc("twokey_chat_connected", "1 if the chat is connected.", nil, nil)
	reached      = prometheus.NewDesc("twokey_tenant_reachable", "1 if the tenant answered when it was last asked, within a minute.", nil, nil)
	readable     = prometheus.NewDesc("twokey_store_readable", "1 if the database answers.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s standing) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{openRequests, owed, failing, recorded, damagedNow, frozenNow, connected, reached, readable} {
		to <- d
	}
}

// Collect implements prometheus.Collector. What cannot be read is left out, and
// not 0.
func (s standing) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyLimit)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	is := func(good bool) float64 {
		if good {
			return 1
		}
		return 0
	}
	gauge(connected, is(s.chat.Ready() == nil))
	gauge(damagedNow, is(s.whole() != nil))
	gauge(reached, is(s.reach(ctx) == nil))
	st, err := s.of(ctx)
	gauge(readable, is(err == nil))
	if err != nil {
		return
	}
	for _, state := range approval.OpenStates() {
		gauge(openRequests, float64(st.Open[state]), string(state))
	}
	gauge(owed, float64(st.Owed))
	gauge(failing, float64(st.Failing))
	gauge(frozenNow, float64(st.Frozen))
	to <- prometheus.MustNewConstMetric(recorded, prometheus.CounterValue, float64(st.Records))
}

// serve answers Prometheus.
func (m *metrics) serve() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 2})
}
