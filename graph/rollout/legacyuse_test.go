package rollout

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"twokey/graph"
)

func TestSumSignIns(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, time.November, 16, 0, 0, 0, 0, time.UTC)
	at := func(hours int) time.Time { return day.Add(time.Duration(hours) * time.Hour) }
	east := time.FixedZone("east", 3*60*60)
	got := SumSignIns([]graph.SignIn{
		{UserID: "a", UPN: "new@x", Client: "IMAP4", App: "Mail", Device: "phone", At: at(9)},
		{UserID: "a", UPN: "old@x", Client: "IMAP4", App: "Mail", Device: "phone", At: at(3), ErrorCode: 50126},
		{UserID: "a", UPN: "old@x", Client: "IMAP4", App: "Mail", Device: "phone", At: at(2).In(east)},
		{UserID: "a", UPN: "new@x", Client: "IMAP4", App: "Mail", Device: "desk", At: at(9), ErrorCode: 1},
		{UserID: "a", UPN: "new@x", Client: "Browser", At: at(9)},
		{UPN: "Gone@x", Client: "SMTP", At: at(-1)},
		{UPN: "gone@X", Client: "SMTP", At: at(-2)},
	})
	want := []LegacyUse{
		{UPN: "Gone@x", Client: "SMTP", Day: day.AddDate(0, 0, -1), Succeeded: 2, First: at(-2), Last: at(-1)},
		{UserID: "a", UPN: "new@x", Client: "IMAP4", App: "Mail", Device: "desk", Day: day, Blocked: 1},
		{UserID: "a", UPN: "new@x", Client: "IMAP4", App: "Mail", Device: "phone", Day: day, Succeeded: 2, Blocked: 1, First: at(2).In(east), Last: at(9)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := SumSignIns(nil); got == nil || len(got) > 0 {
		t.Errorf("no sign-ins: got %v, want no sums, which is not the same as none known", got)
	}
}

// Sums lose no sign-in, and do not depend on the order in which pages came.
func TestSumsKeepEverySignIn(t *testing.T) {
	t.Parallel()
	one := rapid.Custom(func(t *rapid.T) graph.SignIn {
		return graph.SignIn{
			UserID:    rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "user"),
			UPN:       rapid.SampledFrom([]string{"x@x", "X@x", "y@x"}).Draw(t, "upn"),
			Client:    rapid.SampledFrom([]string{"IMAP4", "SMTP", "Browser", ""}).Draw(t, "client"),
			Device:    rapid.SampledFrom([]string{"", "scanner"}).Draw(t, "device"),
			At:        monday47.Add(time.Duration(rapid.IntRange(-60, 60).Draw(t, "hours")) * time.Hour),
			ErrorCode: rapid.SampledFrom([]int{0, 0, 50126}).Draw(t, "code"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(one, 0, 40).Draw(t, "sign-ins")
		sums := SumSignIns(in)
		succeeded, blocked := 0, 0
		for _, s := range in {
			switch {
			case s.Client == "Browser" || s.Client == "":
			case s.ErrorCode == 0:
				succeeded++
			default:
				blocked++
			}
		}
		for _, u := range sums {
			succeeded -= u.Succeeded
			blocked -= u.Blocked
			if (u.Succeeded == 0) != u.First.IsZero() || u.First.After(u.Last) || u.Succeeded > 0 && !u.within(u.First) {
				t.Fatalf("got first %v and last %v of %d successes on %v", u.First, u.Last, u.Succeeded, u.Day)
			}
		}
		if succeeded != 0 || blocked != 0 {
			t.Fatalf("got %d successes and %d blocked lost, want none", succeeded, blocked)
		}
		rand.New(rand.NewPCG(1, uint64(len(in)))).Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		if again := SumSignIns(in); !reflect.DeepEqual(again, sums) {
			t.Fatalf("in another order: got %v, want %v", again, sums)
		}
	})
}
