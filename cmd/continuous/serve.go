package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kschedfuzz/kschedfuzz/cmd/internal/report"
)

// listen takes the address; nil if it is off. One that cannot be had is an error.
func (a address) listen() (net.Listener, error) {
	if a.off() {
		return nil, nil
	}
	l, err := net.Listen("tcp", a.addr)
	if err != nil {
		return nil, fmt.Errorf("http: %w; another address, or off: http in the configuration",
			innermost(err))
	}
	return l, nil
}

// serve serves the status until stop is called.
func (c *campaign) serve(l net.Listener) (stop func()) {
	c.log.Printf("status at http://%s/", l.Addr())
	server := &http.Server{Handler: c.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			c.log.Printf("http: %v", err)
		}
	}()
	return func() { server.Close() }
}

// innermost takes off what is said of the address twice.
func innermost(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%v: %w", op.Addr, op.Err)
	}
	return err
}

// handler serves the page, the same as JSON and as metrics, and the reports. Nothing can be
// changed through it.
func (c *campaign) handler() http.Handler {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector{c.status})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		if err := c.status().writePage(&b, r.URL.Query().Has("refresh")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		w.Write(b.Bytes())
	})
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		e := json.NewEncoder(w)
		e.SetIndent("", "\t")
		e.Encode(c.status())
	})
	mux.HandleFunc("GET /"+failuresDir+"/{bug}/{file}", c.serveFiles(failuresDir, reportFiles()))
	mux.HandleFunc("GET /"+orderDir+"/{bug}/{file}",
		c.serveFiles(orderDir, []string{orderFile, orderTextFile}))
	return mux
}

// serveFiles serves files of the reports that are in a directory.
func (c *campaign) serveFiles(dir string, files []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		bug, file := r.PathValue("bug"), r.PathValue("file")
		if !slices.Contains(files, file) || !filepath.IsLocal(bug) || bug != path.Base(bug) {
			http.NotFound(w, r)
			return
		}
		kind := "text/plain; charset=utf-8"
		switch filepath.Ext(file) {
		case ".html":
			kind = "text/html; charset=utf-8"
			w.Header().Set("Content-Security-Policy",
				"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'")
		case ".json":
			kind = "application/json"
		}
		w.Header().Set("Content-Type", kind)
		http.ServeFile(w, r, filepath.Join(c.store.dir, dir, bug, file))
	}
}

// reportFiles returns the names of all files of a report.
func reportFiles() []string {
	names := []string{bugFile, goldenFile, tapeFile}
	for _, f := range report.Formats() {
		names = append(names, reportFile+f.Ext)
	}
	return names
}
