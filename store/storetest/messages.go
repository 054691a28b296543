package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands/approval"
)

var messages = map[string]func(*testing.T, *bench){
	"an owed message is due, in order":              oweOrder,
	"a key is owed once":                            oweOnce,
	"changes of a topic are one message to show":    touchOnce,
	"a change during a send is not lost":            touchDuringSend,
	"a failed message waits, and others do not":     postpone,
	"a change makes a waiting message due":          touchPostponed,
	"an address that is none holds nobody up":       badAddress,
	"an older state does not hide a newer one":      shownOlder,
	"what was shown is known after a second change": shownMessage,
}

func owe(t *testing.T, b *bench, notices ...approval.Notice) {
	t.Helper()
	b.update(t, func(tx approval.Tx) error {
		for _, n := range notices {
			if err := tx.Owe(n); err != nil {
				return err
			}
		}
		return nil
	})
}

func touch(t *testing.T, b *bench, topic string) {
	t.Helper()
	b.update(t, func(tx approval.Tx) error { return tx.Touch(topic) })
}

func shown(t *testing.T, b *bench, row outbox.Row, message string) {
	t.Helper()
	if err := b.Shown(t.Context(), row, message); err != nil {
		t.Fatalf("Shown: %v", err)
	}
}

func delay(t *testing.T, b *bench, row outbox.Row, d time.Duration) {
	t.Helper()
	if err := b.Postpone(t.Context(), row, d, "refused "+hostile); err != nil {
		t.Fatalf("Postpone: %v", err)
	}
}

func wantDue(t *testing.T, b *bench, want ...string) []outbox.Row {
	t.Helper()
	rows := b.due(t, 100)
	var got []string
	for _, r := range rows {
		got = append(got, r.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("due: %q, want %q", got, want)
	}
	if len(rows) != len(want) {
		t.FailNow()
	}
	return rows
}

func oweOrder(t *testing.T, b *bench) {
	var keys []string
	for i := range 12 {
		key := fmt.Sprintf("key-%d", 12-i)
		owe(t, b, notice(key, "topic"))
		keys = append(keys, key)
	}
	rows := wantDue(t, b, keys...)
	got := rows[0]
	want := outbox.Row{ID: got.ID, Key: "key-12", Kind: approval.NoticePrompt, To: chat.Address{Platform: "p", Workspace: "w", Channel: "c"}, Facts: []byte(`{ "request":"topic" }`), Wanted: got.Wanted}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || got.Wanted < 1 {
		t.Errorf("Due = %+v, want %+v", got, want)
	}
	if few := b.due(t, 5); len(few) != 5 || few[0].Key != keys[0] {
		t.Errorf("Due(5) gives %d rows from %v", len(few), few)
	}
	shown(t, b, rows[0], "m-1")
	wantDue(t, b, keys[1:]...)
}

func oweOnce(t *testing.T, b *bench) {
	owe(t, b, notice("key", "topic"))
	second := notice("key", "another topic")
	second.Facts = []byte(`{}`)
	owe(t, b, second)
	row := wantDue(t, b, "key")[0]
	if string(row.Facts) != `{ "request":"topic" }` {
		t.Errorf("a second notice with the key changed the first: %s", row.Facts)
	}
	shown(t, b, row, "m-1")
	owe(t, b, second)
	wantDue(t, b)
}

func touchOnce(t *testing.T, b *bench) {
	owe(t, b, notice("a", "one"), notice("b", "one"), notice("c", "two"))
	for _, row := range wantDue(t, b, "a", "b", "c") {
		shown(t, b, row, "m-"+row.Key)
	}
	wantDue(t, b)
	for range 5 {
		touch(t, b, "one")
	}
	touch(t, b, "nothing")
	for _, row := range wantDue(t, b, "a", "b") {
		if row.Message != "m-"+row.Key {
			t.Errorf("%s: message %q, want the one that was posted", row.Key, row.Message)
		}
		shown(t, b, row, row.Message)
	}
	wantDue(t, b)
}

func touchDuringSend(t *testing.T, b *bench) {
	owe(t, b, notice("a", "one"))
	sending := wantDue(t, b, "a")[0]
	touch(t, b, "one")
	shown(t, b, sending, "m-1")
	row := wantDue(t, b, "a")[0]
	if row.Message != "m-1" || row.Wanted <= sending.Wanted {
		t.Errorf("due again: %+v, want the posted message with a newer state than %d", row, sending.Wanted)
	}
	shown(t, b, row, "m-1")
	wantDue(t, b)
}

func shownOlder(t *testing.T, b *bench) {
	owe(t, b, notice("a", "one"))
	older := wantDue(t, b, "a")[0]
	touch(t, b, "one")
	newer := wantDue(t, b, "a")[0]
	shown(t, b, newer, "m-1")
	shown(t, b, older, "m-1")
	wantDue(t, b)
}

func postpone(t *testing.T, b *bench) {
	owe(t, b, notice("a", "one"), notice("b", "two"))
	for tries := range 3 {
		row := wantDue(t, b, "a", "b")[0]
		if row.Tries != tries {
			t.Errorf("Tries = %d, want %d", row.Tries, tries)
		}
		delay(t, b, row, time.Minute)
		wantDue(t, b, "b")
		b.clock.advance(time.Minute - time.Microsecond)
		wantDue(t, b, "b")
		b.clock.advance(time.Microsecond)
	}
	shown(t, b, wantDue(t, b, "a", "b")[0], "m-1")
	touch(t, b, "one")
	if row := wantDue(t, b, "a", "b")[0]; row.Tries != 0 {
		t.Errorf("Tries after it was shown = %d, want 0", row.Tries)
	}
}

func touchPostponed(t *testing.T, b *bench) {
	owe(t, b, notice("a", "one"))
	delay(t, b, wantDue(t, b, "a")[0], time.Hour)
	wantDue(t, b)
	touch(t, b, "one")
	if row := wantDue(t, b, "a")[0]; row.Tries != 0 {
		t.Errorf("Tries = %d, want 0", row.Tries)
	}
}

func badAddress(t *testing.T, b *bench) {
	bad := notice("bad", "one")
	bad.Address = "not an address"
	owe(t, b, bad, notice("good", "two"))
	row := wantDue(t, b, "bad", "good")[0]
	if row.To != (chat.Address{}) {
		t.Errorf("To = %+v, want none", row.To)
	}
	delay(t, b, row, time.Hour)
	wantDue(t, b, "good")
}

func shownMessage(t *testing.T, b *bench) {
	owe(t, b, notice("a", "one"))
	shown(t, b, wantDue(t, b, "a")[0], "m-1")
	touch(t, b, "one")
	delay(t, b, wantDue(t, b, "a")[0], time.Second)
	b.clock.advance(time.Second)
	if row := wantDue(t, b, "a")[0]; row.Message != "m-1" {
		t.Errorf("message %q, want the posted one", row.Message)
	}
}
