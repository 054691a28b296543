package commands

import (
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
)

// TestU04ManyNamesNeedTwo asks for a file with more names than a lead has alone:
// two agree, it is handed out once and to its requester alone, and recorded.
func TestU04ManyNamesNeedTwo(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.known()
		wantSaid(t, o.say("ada", "export people csv"), "Why do you need these names?", "What: Hand out a file with ")
		wantSaid(t, o.say("ada", "who missing --csv"), "two approvers to agree")
		r := o.asks("ada", "export people csv the auditors ask for it")
		if r.Policy.Name != policyTwo || r.Policy.Quorum != 2 || r.Reason != "the auditors ask for it" {
			t.Errorf("it is decided by %+v, because %q", r.Policy, r.Reason)
		}
		o.agrees(r)
		wantSaid(t, o.press("ada", "collect", r.Seal(), nil), "can be collected from its start time on")
		time.Sleep(r.Policy.Wait)
		wantSaid(t, o.press("abe", "collect", r.Seal(), nil), "Only the person who asked for this")
		got := o.press("ada", "collect", r.Seal(), nil)
		if got.File == nil || got.File.Name != "twokey-people.csv" || strings.Count(string(got.File.Data), "\n") < namesAlone {
			t.Errorf("collected is\n%s", got.Plain())
			return
		}
		if r = o.ends(r); r.State != approval.Succeeded || len(o.effects()) != 0 {
			t.Errorf("it %s after %d effects: %+v", r.State, len(o.effects()), r.Outcome)
		}
		if got := o.press("ada", "collect", r.Seal(), nil); got.File != nil {
			t.Error("it is handed out twice")
		}
		said := false
		for rec, err := range o.store.Audit(o.t.Context()) {
			said = said || err == nil && rec.Kind == "person.looked-up" && strings.Contains(rec.Facts, r.Ref)
		}
		if !said {
			t.Error("it is not recorded whose names were handed out")
		}
		few := o.say("ada", "export weak csv")
		if few.Request != "" || strings.HasPrefix(few.Headline, "Why ") {
			t.Errorf("few names are answered with\n%s", few.Plain())
		}
	}, func(s *setting) { s.sim.People = 600 })
}
