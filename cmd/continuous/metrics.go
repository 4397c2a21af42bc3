package main

import (
	"runtime/metrics"

	"github.com/prometheus/client_golang/prometheus"
)

// memoryUsed returns the bytes that the process has from the system, as the limit of
// memory counts them.
func memoryUsed() int64 {
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}

// A series is one metric, and how it is made from the status.
type series struct {
	desc  *prometheus.Desc
	sort  prometheus.ValueType
	value func(s *Status, emit func(v float64, labels ...string))
}

func newSeries(
	name, help string, sort prometheus.ValueType, labels []string,
	value func(s *Status, emit func(v float64, labels ...string)),
) series {
	return series{prometheus.NewDesc("kschedfuzz_"+name, help, labels, nil), sort, value}
}

// ofTarget returns a metric with a value for each target.
func ofTarget(
	name, help string, sort prometheus.ValueType, value func(t *TargetStatus) float64,
) series {
	return newSeries(name, help, sort, []string{"target"},
		func(s *Status, emit func(float64, ...string)) {
			for i := range s.Targets {
				emit(value(&s.Targets[i]), s.Targets[i].Name)
			}
		})
}

// ofAll returns a metric with one value.
func ofAll(name, help string, value func(s *Status) float64) series {
	return newSeries(name, help, prometheus.GaugeValue, nil,
		func(s *Status, emit func(float64, ...string)) { emit(value(s)) })
}

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

// allSeries are the metrics.
var allSeries = []series{
	ofTarget("executions_total", "Executions of the target, over all starts.", counter,
		func(t *TargetStatus) float64 { return float64(t.Executions) }),
	ofTarget("native_executions_total", "Executions of the target by the Go fuzzer.", counter,
		func(t *TargetStatus) float64 { return float64(t.Native) }),
	ofTarget("failing_executions_total", "Executions of the target that failed.", counter,
		func(t *TargetStatus) float64 { return float64(t.Failing) }),
	ofTarget("species", "Abstract states of the target that passing executions have shown.", gauge,
		func(t *TargetStatus) float64 { return float64(t.Species) }),
	ofTarget("inputs", "Inputs of the target that are mutated.", gauge,
		func(t *TargetStatus) float64 { return float64(t.Inputs) }),
	ofTarget("share_ratio", "Part of the time that the target is given.", gauge,
		func(t *TargetStatus) float64 { return t.Share }),
	ofTarget("discovery_probability_ratio",
		"Estimated probability that one more execution of the stationary stream shows a new species.",
		gauge, func(t *TargetStatus) float64 { return t.Stream.Discovery }),
	ofTarget("failure_bound_ratio",
		"Upper bound, at 95%, of the probability that an execution of the stationary stream fails.",
		gauge, func(t *TargetStatus) float64 { return t.Stream.Bound }),
	newSeries("last_new_timestamp_seconds", "When a species of the target was new the last time.",
		gauge, []string{"target"}, func(s *Status, emit func(float64, ...string)) {
			for _, t := range s.Targets {
				if t.LastNew != nil {
					emit(float64(t.LastNew.UnixMilli())/1000, t.Name)
				}
			}
		}),
	newSeries("failure_executions_total", "Executions that failed in this way.", counter,
		[]string{"target", "signature"}, func(s *Status, emit func(float64, ...string)) {
			for _, f := range s.Failures {
				emit(float64(f.Count), f.Target, f.Signature)
			}
		}),
	ofAll("regressions", "Failures, and reports of lockdep, of programs that must never fail.",
		func(s *Status) float64 { return float64(s.Regressions) }),
	ofAll("lockdep_reports", "What is wrong with the order of locks, of all targets.",
		func(s *Status) float64 { return float64(len(s.Lockdep)) }),
	ofAll("silent_canaries", "Targets known to fail that were not found to.",
		func(s *Status) float64 { return float64(len(s.Canaries.Silent)) }),
	ofAll("reports_waiting", "Failures whose reports are to be made.",
		func(s *Status) float64 { return float64(s.Waiting) }),
	ofAll("corpus_entries", "Entries of the corpus.",
		func(s *Status) float64 { return float64(s.Corpus.Entries) }),
	ofAll("corpus_bytes", "Size of the corpus.",
		func(s *Status) float64 { return float64(s.Corpus.Bytes) }),
	ofAll("inputs_dropped", "Inputs that were not kept since the start, for want of disk or memory.",
		func(s *Status) float64 { return float64(s.Corpus.Dropped) }),
	ofAll("memory_used_bytes", "Memory of the process.",
		func(s *Status) float64 { return float64(s.Memory.Used) }),
	ofAll("memory_limit_bytes", "Limit of the memory.",
		func(s *Status) float64 { return float64(s.Memory.Limit) }),
	ofAll("disk_used_bytes", "Size of the data directory.",
		func(s *Status) float64 { return float64(s.Disk.Used) }),
	ofAll("disk_limit_bytes", "Limit of the data directory.",
		func(s *Status) float64 { return float64(s.Disk.Limit) }),
	ofAll("start_time_seconds", "When this instance was started.",
		func(s *Status) float64 { return float64(s.Started.UnixMilli()) / 1000 }),
}

// A collector makes the metrics from the status, so that they are what the page shows.
type collector struct{ status func() *Status }

// Describe implements [prometheus.Collector].
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range allSeries {
		out <- m.desc
	}
}

// Collect implements [prometheus.Collector].
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := c.status()
	for _, m := range allSeries {
		m.value(s, func(v float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(m.desc, m.sort, v, labels...)
		})
	}
}
