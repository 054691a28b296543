package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"twokey/graph"
)

var monday47 = time.Date(2026, time.November, 16, 6, 10, 0, 0, time.UTC)

func TestFigureWordsAndJSON(t *testing.T) {
	t.Parallel()
	of := func(n, of, unknown int) Figure {
		f := Number(Registered, monday47, n)
		f.Of, f.Unknown = of, unknown
		return f
	}
	tests := []struct {
		name                 string
		figure               Figure
		text, change, asJSON string
	}{
		{"count", Number(Accounts, monday47, 1204), "1,204", "", `{"id":"accounts","value":1204}`},
		{"true zero", Number(LegacySucceeded, monday47, 0), "0", "", `{"id":"legacy_succeeded","value":0}`},
		{"reason", Missing(LegacySucceeded, Count, monday47, NeedsP1), "needs P1", "", `{"id":"legacy_succeeded","reason":"needs P1"}`},
		{"zero figure", Figure{ID: "x"}, "not read", "", `{"id":"x","reason":"not read"}`},
		{"grown", Number(Accounts, monday47, 12).Since(Number(Accounts, monday47, 1)), "12", "+11", `{"id":"accounts","value":12,"change":11}`},
		{"shrunk", Number(Accounts, monday47, 1).Since(Number(Accounts, monday47, 2001)), "1", "−2,000", `{"id":"accounts","value":1,"change":-2000}`},
		{"same", Number(Accounts, monday47, 3).Since(Number(Accounts, monday47, 3)), "3", "±0", `{"id":"accounts","value":3,"change":0}`},
		{"no earlier value", Number(Accounts, monday47, 3).Since(Missing(Accounts, Count, monday47, NotRead)), "3", "", `{"id":"accounts","value":3}`},
		{"no value now", Missing(Accounts, Count, monday47, NotRead).Since(Number(Accounts, monday47, 3)), "not read", "", `{"id":"accounts","reason":"not read"}`},
		{"another figure", Number(Accounts, monday47, 3).Since(Number(Members, monday47, 3)), "3", "", `{"id":"accounts","value":3}`},
		{"thin now", of(50, 100, 6).Since(of(60, 100, 0)), "50", "", `{"id":"registered","value":50}`},
		{"thin then", of(60, 100, 0).Since(of(50, 100, 6)), "60", "", `{"id":"registered","value":60}`},
		{"not thin", of(60, 100, 5).Since(of(50, 100, 5)), "60", "+10", `{"id":"registered","value":60,"change":10}`},
		{"share", of(412, 455, 0).Share(), "90.5 %", "", `{"id":"registered_percent","value":90.5}`},
		{"share of the known", of(50, 110, 10).Share(), "50 %", "", `{"id":"registered_percent","value":50}`},
		{"nearly all", of(9999, 10000, 0).Share(), "99.9 %", "", `{"id":"registered_percent","value":99.9}`},
		{"hardly any", of(1, 10000, 0).Share(), "0.1 %", "", `{"id":"registered_percent","value":0.1}`},
		{"all", of(7, 7, 0).Share(), "100 %", "", `{"id":"registered_percent","value":100}`},
		{"share of nobody", of(0, 0, 0).Share(), "nobody in scope", "", `{"id":"registered_percent","reason":"nobody in scope"}`},
		{"share of the unknown", Missing(Registered, Count, monday47, SourceFailed).Share(), "source failed", "", `{"id":"registered_percent","reason":"source failed"}`},
		{
			"points as shown", of(412, 455, 0).Share().Since(of(401, 455, 0).Share()),
			"90.5 %", "+2.4 points", `{"id":"registered_percent","value":90.5,"change":2.4}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.figure.String(); got != tt.text {
				t.Errorf("text: got %q, want %q", got, tt.text)
			}
			if got := tt.figure.ChangeString(); got != tt.change {
				t.Errorf("change: got %q, want %q", got, tt.change)
			}
			got, err := json.Marshal(tt.figure)
			if err != nil || string(got) != tt.asJSON {
				t.Errorf("json: got %s, %v, want %s", got, err, tt.asJSON)
			}
		})
	}
}

func TestReasonOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want Reason
	}{
		{"none", nil, ""},
		{"licence", &graph.Error{Kind: graph.KindNoLicence}, NeedsP1},
		{"wrapped licence", fmt.Errorf("read: %w", &graph.Error{Kind: graph.KindNoLicence}), NeedsP1},
		{"permission", &graph.Error{Kind: graph.KindNoPermission, Permission: "AuditLog.Read.All"}, "permission missing: AuditLog.Read.All"},
		{"unnamed permission", &graph.Error{Kind: graph.KindNoPermission}, "permission missing"},
		{"throttled", &graph.Error{Kind: graph.KindThrottled}, SourceFailed},
		{"unclear", &graph.Error{}, SourceFailed},
		{"foreign", errors.New("odd"), SourceFailed},
		{"stopped by us", &graph.Error{Kind: graph.KindNotSent, Err: context.Canceled}, NotRead},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := ReasonOf(tt.err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	var unasked Source[int]
	if _, ok := unasked.Get(); ok || unasked.Reason() != NotRead || unasked.Err() != nil {
		t.Errorf("unasked: got %v, %q, %v, want no value, not read, no error", ok, unasked.Reason(), unasked.Err())
	}
	failed := From(7, errors.New("odd"))
	if v, ok := failed.Get(); ok || v != 0 || failed.Err() == nil {
		t.Errorf("failed: got %d, %v, %v, want nothing and an error", v, ok, failed.Err())
	}
	if v, ok := From(7, nil).Get(); !ok || v != 7 {
		t.Errorf("answered: got %d, %v, want 7, true", v, ok)
	}
}
