package sync_test

import (
	"testing"

	"twokey/graph/sync"
	"twokey/store/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.RunSync(t, func(*testing.T) sync.Store { return &sync.Memory{} })
}
