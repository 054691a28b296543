package commands

import (
	"context"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/graph/rollout"
)

// changeLog answers with what it holds, and keeps what it was asked.
type changeLog struct {
	rollout.ChangeLog
	since time.Time
	n     int
}

func (l *changeLog) Changes(_ context.Context, since time.Time, n int) (rollout.ChangeLog, error) {
	l.since, l.n = since, n
	found := l.ChangeLog
	found.Changes = found.Changes[:min(n, len(found.Changes))]
	return found, nil
}

// sampleChanges are one of each kind that reads in its own way, newest first.
func sampleChanges() []rollout.LoggedChange {
	at := func(hours int) time.Time { return start.Add(-time.Duration(hours) * time.Hour) }
	return []rollout.LoggedChange{
		{
			TenantChange: rollout.TenantChange{Kind: rollout.ChangeDefaults, At: at(1), By: "twokey", ByAppID: "app", Target: "Security Defaults", Old: "false", New: "true"},
			Origin:       rollout.ByTwokey, Request: "R-ABC234",
		},
		{
			TenantChange: rollout.TenantChange{Kind: rollout.ChangePass, At: at(2), By: "Ann@vale.example", ByUserID: id("ann"), Target: "sue@vale.example", TargetID: id("sue")},
			Origin:       rollout.Outside,
		},
		{
			TenantChange: rollout.TenantChange{Kind: rollout.ChangeAccountBlocked, At: at(3), By: "Sync script", ByAppID: "app-2", Target: "Αdmin", TargetID: "id-7"},
			Origin:       rollout.Outside,
		},
		{
			TenantChange: rollout.TenantChange{Kind: rollout.ChangeRole, At: at(4), Target: "bob@vale.example", New: "Global “Admin”\nBy: nobody"},
			Origin:       rollout.Outside,
		},
		{
			TenantChange: rollout.TenantChange{Activity: "Add group", At: at(5), By: "twokey", ByAppID: "app", TargetID: "group-1"},
			Origin:       rollout.InOurName, Failed: true,
		},
		{TenantChange: rollout.TenantChange{At: at(100)}, Origin: rollout.Gap, Until: at(20)},
	}
}

func TestU23ChangesSayByWhom(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	w.env.Changes = &changeLog{ChangeLog: rollout.ChangeLog{
		Changes: sampleChanges(), Own: 14, WatchedSince: start.AddDate(0, 0, -5), WatchedUntil: start.Add(-time.Minute),
	}}
	w.assemble()
	golden(t, "changes.txt", whole(w.say("vic", "changes").Message))
	wantSaid(t, w.say("sam", "changes"), "You may not use “/mfa changes”.")
	wantSaid(t, w.say("vic", "changes --since 2026-11-20"), "since Fri 20 Nov 2026")
}

func TestU23ChangesOfWhich(t *testing.T) {
	t.Parallel()
	many := make([]rollout.LoggedChange, shownChanges+5)
	for i := range many {
		many[i] = sampleChanges()[1]
	}
	for _, tt := range []struct {
		name  string
		log   rollout.ChangeLog
		wants []string
	}{
		{"never read", rollout.ChangeLog{}, []string{"is not known", "Nothing was read so far."}},
		{"nothing happened", rollout.ChangeLog{WatchedSince: start.AddDate(0, -1, 0), WatchedUntil: start}, []string{"No change was noticed since Mon 16 Nov 2026."}},
		{"too many", rollout.ChangeLog{Changes: many, WatchedSince: start.AddDate(0, -1, 0), WatchedUntil: start}, []string{"The last 20 changes, 20 of them made outside Twokey"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newDryWorld(t)
			w.env.Changes = &changeLog{ChangeLog: tt.log}
			w.assemble()
			got := w.say("vic", "changes")
			wantSaid(t, got, tt.wants...)
			if strings.Contains(got.Plain(), "is not known here") {
				t.Errorf("all of it was watched, yet: %s", got.Plain())
			}
			if got.Table != nil && len(got.Table.Rows) > shownChanges {
				t.Errorf("%d rows, want %d at most", len(got.Table.Rows), shownChanges)
			}
		})
	}
}

func TestU23ChangesSince(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	midnight := time.Date(2026, 11, 20, 0, 0, 0, 0, w.env.Zone)
	for typed, want := range map[string]time.Time{
		"": start.AddDate(0, 0, -7), "30d": start.AddDate(0, 0, -30), "2": start.AddDate(0, 0, -2), "2026-11-20": midnight,
	} {
		if got, err := sinceWhen(w.env, typed); err != nil || !got.Equal(want) {
			t.Errorf("since %q = %v, %v; want %v", typed, got, err, want)
		}
	}
	for _, typed := range []string{"0d", "-3", "yesterday", "2026-11-31", "2026-11-24", "99999999999999999999d", "10001d", "2026-11-20\n"} {
		if got, err := sinceWhen(w.env, typed); err == nil {
			t.Errorf("since %q = %v, want a refusal", typed, got)
		}
	}
}

// A cell is one line that begins with words of ours, whatever the log says.
func TestG21ChangesQuoteTheLog(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	for _, evil := range []string{"a\nby Twokey R-ABC234", "” by Twokey R-ABC234", "\u202ex", "<!channel>", "\x1b[2J"} {
		c := sampleChanges()[1]
		c.Activity, c.Target, c.By, c.Old, c.New, c.Kind = evil, evil, evil, evil, evil, "new kind"
		row := changeTable(w.env, []rollout.LoggedChange{c}).Rows[0]
		for i, cell := range row {
			if strings.Contains(cell, "\n") || chat.Hidden(cell) {
				t.Errorf("cell %d of %+q is %+q", i, evil, cell)
			}
		}
		if by := row[3]; !strings.HasPrefix(by, "outside, by “") || strings.Count(by, "”") != 1 || !strings.HasSuffix(by, "”") {
			t.Errorf("%+q: by %+q, want one quotation behind “outside”", evil, by)
		}
	}
}
