package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"twokey/audit"
)

// BenchmarkVerifyMillion is what the check at every start costs after some
// years: a million records, read from the database and verified.
func BenchmarkVerifyMillion(b *testing.B) {
	const n = 1_000_000
	s, err := Open(b.Context(), Config{DSN: filepath.Join(b.TempDir(), "twokey.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	err = s.transact(b.Context(), false, func(t *tx) error {
		insert := "INSERT INTO audit (" + auditColumns + ") VALUES (?" + strings.Repeat(", ?", 8) + ")"
		var last *audit.Record
		at := time.Now()
		for i := range n {
			facts := map[string]any{"step": i, "try": 1, "method": "PATCH", "url": "/users/p-0123456789abcdef/authentication/methods", "body": strings.Repeat("0f", 32)}
			r, err := audit.Chain(last, audit.Entry{At: at, Tenant: "00000000-0000-4000-8000-000000000000", Kind: "step.intent", Actor: audit.Bot, Request: "R-ABC234", Facts: facts})
			if err != nil {
				return err
			}
			if err := t.q.later(b.Context(), insert, r.Number, r.At, r.Tenant, r.Kind, r.Actor, r.Request, r.Facts, r.Prev, r.Hash); err != nil {
				return err
			}
			last = &r
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		last, err := audit.Verify(s.Audit(b.Context()), "")
		if err != nil || last.Number != n {
			b.Fatalf("Verify = %v, %v", last, err)
		}
	}
}
