package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"

	"twokey/store"
)

// TestDeployFits holds that what is deployed with the program speaks of what the
// program has: its metrics, its subcommands, its paths.
func TestDeployFits(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../deploy/*")
	more, err2 := filepath.Glob("../deploy/*/*.yaml")
	if err != nil || err2 != nil || len(files) < 5 || len(more) == 0 {
		t.Fatalf("%d and %d files, %v, %v", len(files), len(more), err, err2)
	}
	known := metricNames(t)
	metric := regexp.MustCompile(`twokey_[a-z_]+`)
	for _, path := range append(files, more...) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // a folder
		}
		if strings.HasSuffix(path, ".yaml") {
			for _, part := range strings.Split(string(text), "\n---\n") {
				if err := yaml.Unmarshal([]byte(part), new(any)); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
		}
		for _, name := range metric.FindAllString(string(text), -1) {
			base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
			if !known[base] && !known[name] {
				t.Errorf("%s speaks of %s, which nobody measures", path, name)
			}
		}
	}
}

// metricNames are those that a bot has.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	m := newMetrics()
	m.call("read users", "ok", 0)
	m.events.WithLabelValues("command", "answered").Observe(0)
	fine := func(context.Context) error { return nil }
	m.registry.MustRegister(standing{
		of:   func(context.Context) (store.Standing, error) { return store.Standing{}, nil },
		chat: readyAlways{}, whole: func() error { return nil }, reach: fine,
	})
	families, err := prometheus.Gatherer(m.registry).Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	return names
}

type readyAlways struct{}

func (readyAlways) Ready() error { return nil }

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	addr := freePort(t)
	of := openOffice(t, officeOptions{edit: func(yaml string) string { return yaml + "web: {addr: \"" + addr + "\"}\n" }})
	var said safeBuffer
	if status := run(t.Context(), []string{"healthcheck", "--addr", addr}, streams{strings.NewReader(""), &said, &said}); status != 0 || said.String() != "ready\n" {
		t.Errorf("healthcheck = %d: %s", status, said.String())
	}
	if err := of.end(); err != nil {
		t.Fatal(err)
	}
	demo := strings.TrimPrefix(startDemo(t).console, "http://") // as the image runs it by itself
	if status := run(t.Context(), []string{"healthcheck", "--addr", demo}, streams{strings.NewReader(""), &said, &said}); status != 0 || said.String() != "ready\nready\n" {
		t.Errorf("healthcheck of a demo = %d: %s", status, said.String())
	}
	if status := run(t.Context(), []string{"healthcheck", "--addr", addr}, streams{strings.NewReader(""), &said, &said}); status != 1 || !strings.Contains(said.String(), "does not answer") {
		t.Errorf("healthcheck without a bot = %d: %s", status, said.String())
	}
}
