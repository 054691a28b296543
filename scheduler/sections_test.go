package scheduler

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// The first digest asks to say which accounts are no people, and no later one.
func TestU15FirstDigestAsks(t *testing.T) {
	t.Parallel()
	asks := func(ago ...int) bool {
		d := newDesk(newOffice(at47), ago...)
		facts := d.Facts
		d.Facts = func(ctx context.Context) rollout.Facts {
			f := facts(ctx)
			users, _ := f.Users.Get()
			f.Users = rollout.From(append(slices.Clone(users), graph.User{ID: "scanner", Name: "Scanner 2nd Floor", UPN: "scanner@harbour.example", Enabled: true}), nil)
			return f
		}
		return strings.Contains(strings.Join(d.compose().Todo, "\n"), "Confirm 1 account that looks like no person: “/mfa scope suggest” names them")
	}
	if !asks() {
		t.Error("the first digest does not ask to confirm what looks like no person")
	}
	if asks(1, 2) {
		t.Error("a later digest asks again")
	}
}

// Without the sign-in log the digest never says that nobody uses old protocols.
func TestU17DigestWithoutTheLog(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"free", "free-some-unread", "free-names-concealed", "free-mail-seen", "report-failing", "throttled", "all-unreadable"} {
		text := told()[name].message.Plain()
		for _, want := range []string{"unknown devices cannot be excluded", "sign-ins of the emergency accounts are not watched"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the digest does not say %q:\n%s", name, want, text)
			}
		}
	}
	if text := told()["free-names-concealed"].message.Plain(); !strings.Contains(text, rollout.ShowNames) {
		t.Errorf("the digest does not say how names can be shown:\n%s", text)
	}
	if text := told()["normal"].message.Plain(); strings.Contains(text, "cannot be excluded") {
		t.Errorf("with the log the digest doubts it:\n%s", text)
	}
}

// Each dated change says whom it is for, how many it hits, where Microsoft says so
// and when that was looked up.
func TestU18DigestNamesSources(t *testing.T) {
	t.Parallel()
	lines := told()["normal"].Dates
	if len(lines) == 0 {
		t.Fatal("no dated change is named")
	}
	for _, line := range lines {
		for _, want := range []string{", for members: ", "; hits ", " Source: Microsoft ", ", looked up on "} {
			if !strings.Contains(line, want) {
				t.Errorf("%q does not say %q", line, want)
			}
		}
	}
}

// A section that fails or panics is named, and takes nothing else with it.
func TestSectionsFailAlone(t *testing.T) {
	t.Parallel()
	whole, broken := told()["normal"], told()["sections-failing"]
	if want := []string{"the changes made outside Twokey", "what became of the requests", "the goal"}; !slices.Equal(broken.Failed, want) {
		t.Errorf("failed: %q, want %q", broken.Failed, want)
	}
	if !slices.Equal(whole.Todo, broken.Todo) || whole.message.Headline != broken.message.Headline || !slices.Equal(whole.message.Fields, broken.message.Fields) {
		t.Error("a failing section has changed the rest")
	}
}

// A quiet week is two lines, and a week in which anything is to be told is not.
func TestQuietWeek(t *testing.T) {
	t.Parallel()
	for name, d := range told() {
		want := name == "quiet" || name == "quiet-free" || name == "nothing-changed"
		m := d.message
		if got := len(m.Fields) == 0; got != want {
			t.Errorf("%s: quiet is %v, want %v", name, got, want)
		}
		if want && (m.Image != nil || len(m.Details)+len(m.Buttons) > 0 || strings.Count(m.Text, "\n") > 0) {
			t.Errorf("%s: more than two lines:\n%s", name, m.Plain())
		}
		if len(d.files[filePicture]) == 0 {
			t.Errorf("%s: no picture as a file", name)
		}
	}
}

// The leaders' version is five lines, and names nobody.
func TestLeaderMessage(t *testing.T) {
	t.Parallel()
	for name, d := range told() {
		m, err := LeaderMessage(d.Digest)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if lines := 1 + len(m.Fields); lines != 5 || m.Text != "" || m.Table != nil || len(m.Details) > 0 {
			t.Errorf("%s: %d lines:\n%s", name, lines, m.Plain())
		}
		if strings.Contains(strings.ToLower(m.Plain()), "zebedee") {
			t.Errorf("%s: somebody is named:\n%s", name, m.Plain())
		}
		if slices.Contains([]string{"normal", "goal", "free", "first-week", "all-unreadable", "late"}, name) {
			golden(t, "leader-"+name+".txt", m.Plain()+"\n")
		}
	}
}

// The leaders' version goes out once a month, with the first digest in it.
func TestLeaderJob(t *testing.T) {
	t.Parallel()
	d := newDesk(newOffice(at47))
	job := d.LeaderJob(d.To)
	var months []string
	for at := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.AddDate(0, 0, 7) {
		d.office.at = at
		slot := SlotAt(d.Tenant, job.Name, job.Due, at)
		if err := job.Run(t.Context(), slot); err != nil {
			t.Fatal(err)
		}
		if p, ok := d.memory.published[key(slot)]; ok {
			months = append(months, slot.Planned.Format("01"))
			if p.Kind != KindLeader || p.To != d.To {
				t.Errorf("published %q to %+v", p.Kind, p.To)
			}
		}
		if _, closed := d.memory.closed[key(slot)]; !closed {
			t.Errorf("the slot of %s is open", slot.Week)
		}
	}
	if want := "01 02 03 04 05 06 07 08 09 10 11 12"; strings.Join(months, " ") != want {
		t.Errorf("posted in %s, want %s", months, want)
	}
}

// While it is muted no digest is posted by the clock, and the week is kept; by
// hand it can be posted.
func TestMuted(t *testing.T) {
	t.Parallel()
	d := newDesk(newOffice(at47), 1)
	muted, failing := true, error(nil)
	d.Muted = func(context.Context) (bool, error) { return muted, failing }
	slot := SlotAt(d.Tenant, DigestJob, d.Due, at47)
	failing = errAway
	if err := d.Job().Run(t.Context(), slot); err == nil {
		t.Error("posted or not, although that could not be read")
	}
	failing = nil
	if err := d.Job().Run(t.Context(), slot); err != nil {
		t.Fatal(err)
	}
	if _, kept := d.memory.weeks["2026-W47"]; !kept || len(d.memory.published) != 0 || !slices.Equal(d.memory.passed, []string{"muted"}) {
		t.Errorf("week kept %v, %d published, passed %q", kept, len(d.memory.published), d.memory.passed)
	}
	if posted, err := d.PostNow(t.Context(), "ada"); err != nil || !posted {
		t.Errorf("PostNow = %v, %v", posted, err)
	}
	muted = false
	d.office.at = at47.AddDate(0, 0, 7)
	if err := d.Job().Run(t.Context(), SlotAt(d.Tenant, DigestJob, d.Due, d.office.at)); err != nil || len(d.memory.published) != 2 {
		t.Errorf("%v; %d published after it was unmuted", err, len(d.memory.published))
	}
}

// The clock's digest tells what an absence left behind, which is read first; a
// reading that does not come to an end costs it a minute and no more.
func TestDigestCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(newOffice(at47), 1)
		d.office.failed = map[string]error{"sign-ins": &graph.Error{}}
		d.CatchUp = func(ctx context.Context) {
			d.office.failed = nil
			<-ctx.Done()
		}
		begun := time.Now()
		if err := d.Job().Run(t.Context(), SlotAt(d.Tenant, DigestJob, d.Due, at47)); err != nil || len(d.memory.published) != 1 {
			t.Fatalf("%v, %d published", err, len(d.memory.published))
		}
		if _, known := d.memory.weeks["2026-W47"].Figures().Get(rollout.LegacySucceeded).Value(); !known || time.Since(begun) != catchUpLimit {
			t.Errorf("sign-ins are known: %v, after %v", known, time.Since(begun))
		}
	})
}

// Where no digest is posted the week's sums are kept all the same.
func TestWeeksJob(t *testing.T) {
	t.Parallel()
	d := newDesk(newOffice(at47))
	if err := d.WeeksJob().Run(t.Context(), SlotAt(d.Tenant, "weeks", d.Due, at47)); err != nil {
		t.Fatal(err)
	}
	if _, kept := d.memory.weeks["2026-W47"]; !kept || len(d.memory.published) != 0 || len(d.memory.closed) != 1 {
		t.Errorf("week kept %v, %d published, %d closed", kept, len(d.memory.published), len(d.memory.closed))
	}
	weeks, err := d.Weeks(t.Context(), 5)
	if err != nil || len(weeks) != 1 {
		t.Errorf("Weeks = %d, %v; want the stored one alone", len(weeks), err)
	}
	d.office.at = at47.AddDate(0, 0, 7)
	if weeks, err = d.Weeks(t.Context(), 5); err != nil || len(weeks) != 2 || weeks[1].Week != "2026-W48" {
		t.Errorf("Weeks = %+v, %v; want the running one behind it", weeks, err)
	}
}
