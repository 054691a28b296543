package graphtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"twokey/graph"
)

// once makes one change and checks what holds for every change: it is applied
// once, and the receipt has our client-request-id and the tenant's request-id.
func (f Fixture) once(t testing.TB, what string, change func(graph.Writer, context.Context) (graph.Receipt, error)) {
	t.Helper()
	before := f.applied()
	id := fmt.Sprintf("3f0c2a51-7d3e-4c0e-9b57-%012x", rand.Uint64()>>16)
	receipt, err := change(f.Writer, graph.WithClientRequestID(t.Context(), id))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if receipt.ClientRequestID != id || receipt.RequestID == "" {
		t.Errorf("%s: got receipt %+v, want client-request-id %s and a request-id", what, receipt, id)
	}
	if n := f.applied() - before; n != 1 && f.Applied != nil {
		t.Errorf("%s: applied %d times, want once", what, n)
	}
}

// applied is the tenant's own count, where it has one.
func (f Fixture) applied() int {
	if f.Applied == nil {
		return 0
	}
	return f.Applied()
}

// free reports whether anything in the tenant may be changed.
func (f Fixture) free() bool { return f.Writer != nil && f.TestUser == "" }

// setSecurityDefaults switches to the other value and back. Both must be seen
// by a reader.
func setSecurityDefaults(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	was := f.Truth.SecurityDefaults.Enabled
	for _, enabled := range []bool{!was, was} {
		f.once(t, fmt.Sprint("set security defaults to ", enabled), func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
			return w.SetSecurityDefaults(ctx, enabled)
		})
		got, err := f.Reader.SecurityDefaults(t.Context())
		same(t, "security defaults after the change", got, graph.SecurityDefaults{Enabled: enabled}, err)
	}
}

func cancelledWrite(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was tried")
		return
	}
	before := f.Applied()
	_, err := f.Writer.SetSecurityDefaults(ended(t), !f.Truth.SecurityDefaults.Enabled)
	failed(t, err, graph.KindNotSent)
	if n := f.Applied() - before; n != 0 {
		t.Errorf("applied %d times, want never", n)
	}
}
