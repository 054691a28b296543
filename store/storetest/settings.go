package storetest

import (
	"errors"
	"testing"

	"twokey/commands/approval"
)

var settings = map[string]func(*testing.T, *bench){
	"a setting comes back, is replaced, and ends": settingRoundTrip,
}

func settingRoundTrip(t *testing.T, b *bench) {
	set := func(tenant, name, value string) {
		t.Helper()
		b.update(t, func(tx approval.Tx) error { return tx.Set(tenant, name, value) })
	}
	want := func(tenant, name, want string) {
		t.Helper()
		b.view(t, func(tx approval.Tx) error {
			got, err := tx.Setting(tenant, name)
			wantSame(t, "Setting("+tenant+", "+name+")", got, want)
			return err
		})
	}
	want(tenant, "goal", "")
	set(tenant, "goal", "") // ending what was never set
	set(tenant, "goal", hostile)
	set(tenant, "other", "1")
	set("elsewhere", "goal", "2")
	want(tenant, "goal", hostile)
	set(tenant, "goal", "3")
	b.reopen(t)
	want(tenant, "goal", "3")
	undone := errors.New("undone")
	err := b.Update(t.Context(), func(tx approval.Tx) error {
		return errors.Join(tx.Set(tenant, "goal", "4"), undone)
	})
	if !errors.Is(err, undone) {
		t.Errorf("Update = %v, want the error of what it ran", err)
	}
	want(tenant, "goal", "3")
	set(tenant, "goal", "")
	want(tenant, "goal", "")
	want(tenant, "other", "1")
	want("elsewhere", "goal", "2")
}
