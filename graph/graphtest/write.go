package graphtest

import (
	"testing"

	"twokey/graph"
)

// setSecurityDefaults switches to the other value and back. Both must be seen
// by a reader, and each must have been applied once.
func setSecurityDefaults(t *testing.T, f Fixture) {
	if f.Writer == nil {
		t.Log("read only: nothing was changed")
		return
	}
	was := f.Truth.SecurityDefaults.Enabled
	for i, enabled := range []bool{!was, was} {
		before := f.Applied()
		id := []string{"3f0c2a51-7d3e-4c0e-9b57-5f6c1d2e3a01", "3f0c2a51-7d3e-4c0e-9b57-5f6c1d2e3a02"}[i]
		receipt, err := f.Writer.SetSecurityDefaults(graph.WithClientRequestID(t.Context(), id), enabled)
		if err != nil {
			t.Fatalf("set security defaults to %v: %v", enabled, err)
		}
		if receipt.ClientRequestID != id || receipt.RequestID == "" {
			t.Errorf("receipt: got %+v, want client-request-id %s and a request-id", receipt, id)
		}
		if n := f.Applied() - before; n != 1 {
			t.Errorf("set security defaults to %v: applied %d times, want once", enabled, n)
		}
		got, err := f.Reader.SecurityDefaults(t.Context())
		same(t, "security defaults after the change", got, graph.SecurityDefaults{Enabled: enabled}, err)
	}
}

func cancelledWrite(t *testing.T, f Fixture) {
	if f.Writer == nil {
		t.Log("read only: nothing was tried")
		return
	}
	before := f.Applied()
	_, err := f.Writer.SetSecurityDefaults(ended(t), !f.Truth.SecurityDefaults.Enabled)
	failed(t, err, graph.KindNotSent)
	if n := f.Applied() - before; n != 0 {
		t.Errorf("applied %d times, want never", n)
	}
}
