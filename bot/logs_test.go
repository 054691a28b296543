package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"twokey/audit"
)

// O41, G38: whatever a value holds, a log has one record for one event, and a
// reader of the log sees no line and no colour that we did not write.
func TestO41OneLogRecordForOneEvent(t *testing.T) {
	t.Parallel()
	hostile := "x\r\ntime=2026-11-28T10:00:00Z level=INFO msg=\"request approved\"\n{\"level\":\"INFO\"}\x1b[2J\x1b[31m\u2028\u0085\u202e"
	var plain, lines bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&plain, nil), slog.NewJSONHandler(&lines, nil)} {
		log := slog.New(handler)
		log.Error("handle event", "error", errors.New(hostile), "request", hostile, slog.Group(hostile, "key", hostile), hostile, "value")
		w := audit.NewWatch(audit.WatchConfig{Log: log})
		w.Report(&audit.BrokenError{Number: 3, Why: hostile})
	}
	for name, text := range map[string]string{"text": plain.String(), "JSON": lines.String()} {
		if n := strings.Count(text, "\n"); n != 2 || strings.ContainsAny(text, "\r\x1b\u2028") {
			t.Errorf("%s: %d lines, want 2 and no control characters: %q", name, n, text)
		}
	}
	if strings.ContainsAny(plain.String(), "\u202e\u0085") { // JSON is for programs, which read it exactly
		t.Errorf("a terminal would act on the log: %q", plain.String())
	}
	for line := range strings.Lines(lines.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("a line is not JSON: %v: %q", err, line)
		}
		if record["msg"] == "handle event" && record["request"] != hostile {
			t.Errorf("the value is %q, want it exactly", record["request"])
		}
	}
}

func TestHarmless(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain “quoted” é":    "plain “quoted” é",
		"two\nlines":          "two\n  lines",
		"\x1b[31mred\r\u202e": `\x1b[31mred\r\u202e`,
		"\u009b2J\x00":        `\u009b2J\x00`,
	} {
		if got := harmless(in); got != want {
			t.Errorf("harmless(%q) = %q, want %q", in, got, want)
		}
	}
}
