package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mistake is a bug that the tests must catch: in file, old becomes new, and
// the tests of pkg that run names must fail. TestPlanted tries it.
type mistake struct {
	name     string
	file     string // slash-separated, from the root
	old, new string
	pkg, run string
}

// spoil returns the file with the mistake in it.
func (m mistake) spoil() (string, error) {
	text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(m.file)))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%s holds %d times what is to be replaced: %q", m.file, n, m.old)
	}
	return strings.Replace(string(text), m.old, m.new, 1), nil
}

// A list of mistakes that fits the code no more would prove nothing.
func TestMistakesFitTheCode(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, m := range mistakes {
		if _, err := m.spoil(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if m.old == m.new || names[m.name] {
			t.Errorf("%s is no mistake, or twice in the list", m.name)
		}
		names[m.name] = true
	}
	if len(mistakes) < 16 {
		t.Errorf("%d mistakes are too few", len(mistakes))
	}
}

const engineDir = "commands/approval"

var mistakes = []mistake{
	{
		"a call is sent before its intent is stored", engineDir + "/execute.go",
		"s, err := j.intend(ctx, number, try, call, enters && try == 1)\n\t\tif err != nil {\n\t\t\treturn Step{}, fmt.Errorf(\"store intent: %w\", err)\n\t\t}\n\t\tanswer := j.send(ctx, s, call)",
		"early := Step{ClientID: clientID(j.req.ID, number, try)}\n\t\tanswer := j.send(ctx, early, call)\n\t\ts, err := j.intend(ctx, number, try, call, enters && try == 1)\n\t\tif err != nil {\n\t\t\treturn Step{}, fmt.Errorf(\"store intent: %w\", err)\n\t\t}",
		engineDir, "TestG06|TestG02KilledAtEveryTransaction|TestO02",
	},
	{
		"a pause does not hold the next account up", engineDir + "/parts.go",
		"if err == nil && h.Held() {", "if err == nil && h.Stop {",
		engineDir, "TestG15PauseAndResume",
	},
	{
		"the next account is not looked at again", engineDir + "/parts.go",
		"if len(findings) > 0 {", "if len(findings) > 1 {",
		engineDir, "TestG06EachTarget",
	},
	{
		"what was unclear is sent again", engineDir + "/execute.go",
		"s.Class, again = Unclear, false", "s.Class, again = Unclear, true",
		engineDir, "TestG06EveryFaultAtEveryStep|TestO47",
	},
	{
		"an answer is stored without looking at the fence", "store/attempt.go",
		"if fence != l.Fence {", "if fence != l.Fence && false {",
		"store", "TestStore/SQLite",
	},
	{
		"a new owner of a lease keeps the old one's fence", "store/attempt.go",
		"\t\tfence++\n", "\t\t_ = fence\n",
		engineDir, "TestG34|TestO13StoppedPast",
	},
	{
		"a request is taken over while its process may live", engineDir + "/lease.go",
		"return !now.Before(l.Until.Add(r.limits.Call + margin))", "return true",
		engineDir, "TestG34|TestO13StoppedPast",
	},
	{
		"only the sweeper expires", engineDir + "/transition.go",
		"\tif overdue(r, now) {\n\t\tr.State = Expired\n\t\treturn ended(r)\n\t}\n\treturn nil\n}\n\nfunc overdue", "\treturn nil\n}\n\nfunc overdue",
		engineDir, "TestG14",
	},
	{
		"a late start is no matter", engineDir + "/transition.go",
		"if r.State != Approved || overdue(r, now) || now.Before(r.NotBefore) {", "if r.State != Approved || now.Before(r.NotBefore) {",
		engineDir, "TestG14|TestO12",
	},
	{
		"the wait is not waited for", engineDir + "/transition.go",
		"c.NotBefore = now.Add(r.Policy.Wait)", "c.NotBefore = now",
		engineDir, "TestTheWait|TestQuorumSetsTheTimes",
	},
	{
		"expiry goes by the machine's own clock", engineDir + "/transition.go",
		"return !now.Before(r.Expires)", "return !time.Now().Before(r.Expires)",
		engineDir, "TestG14|TestO12",
	},
	{
		"the requester's own vote is looked for by account", engineDir + "/transition.go",
		"case v.By == r.Requester:\n\t\treturn ErrSelf", "case v.Account == r.Key:\n\t\treturn ErrSelf",
		engineDir, "TestG09|TestVoteGuards|TestO23",
	},
	{
		"a quorum counts clicks", engineDir + "/transition.go",
		" && !slices.Contains(people, d.By) {", " {",
		engineDir, "TestG10",
	},
	{
		"what was shown is not compared", engineDir + "/transition.go",
		"if err != nil || sum != r.Digest {", "if err != nil || sum == \"\" {",
		engineDir, "TestG13|TestO34",
	},
	{
		"the tenant is not read again", engineDir + "/execute.go",
		"return now, action.Compare(j.req.Snapshot, now, j.req, done), nil", "return now, nil, nil",
		engineDir, "TestG05",
	},
	{
		"those who approved are not asked about again", engineDir + "/execute.go",
		"if left < j.req.Policy.Quorum {", "if false {",
		engineDir, "TestO26|TestG05",
	},
	{
		"“not seen” is taken for “not done” while the sender may live", engineDir + "/reconcile.go",
		"case found == NotDone && silent:", "case found == NotDone:",
		engineDir, "TestO13StoppedPast|TestG34",
	},
	{
		"the tenant gets no time to settle", engineDir + "/reconcile.go",
		"case since < l.Settle:", "case false:",
		engineDir, "TestG03|TestO48|TestG06",
	},
	{
		"a pass that nobody received stays", engineDir + "/collect.go",
		"j.collect.handover != nil && j.shown(ctx) {", "j.collect.handover != nil && (j.shown(ctx) || true) {",
		engineDir, "TestO45",
	},
	{
		"a delivery that comes again asks again", engineDir + "/submit.go",
		"p.Key); !errors.Is(err, ErrNotFound) {", "p.Key); err != nil && !errors.Is(err, ErrNotFound) {",
		engineDir, "TestG18TheSameDelivery",
	},
	{
		"a commit whose end is not known is called stored", engineDir + "/submit.go",
		"\tif errors.Is(err, ErrUnsure) {\n\t\tr, err = e.submitted(ctx, p.Key, err)\n\t}\n", "\tif errors.Is(err, ErrUnsure) {\n\t\terr = nil\n\t}\n",
		engineDir, "TestG33ACommitWithoutWord",
	},
	{
		"a record is not in the transaction of its change", engineDir + "/record.go",
		"return tx.Record(audit.Entry{At: now, Tenant: r.Tenant, Kind: kind, Actor: who, Request: r.Ref, Facts: plain})", "_ = audit.Entry{At: now, Actor: who, Facts: plain}\n\treturn nil",
		engineDir, "TestG15|TestG18|TestRandomHistories",
	},
	{
		"a text of a person is shown as it is", "chat/safe.go",
		"case hidden(r):", "case false:",
		"chat", "TestSafe|TestG21",
	},
	{
		"a pass shows itself to whoever prints it", "graph/credential.go",
		"func (Secret) String() string { return hidden }", "func (s Secret) String() string { return s.Reveal() }",
		"graph", "TestG24",
	},
	{
		"a press while everything is frozen still starts", engineDir + "/execute.go",
		"\t\tif err := thawed(tx, j.req); err != nil {\n\t\t\treturn Change{}, err\n\t\t}\n\t\tif err := j.contested", "\t\tif err := j.contested",
		engineDir, "Freeze|Frozen|TestGate",
	},
	{
		"a brake that is pulled while a thaw waits does nothing", engineDir + "/freeze.go",
		"if !slices.ContainsFunc(open, func(r Request) bool { return r.Kind == KindThaw }) {", "if !slices.ContainsFunc(open, func(r Request) bool { return r.Kind == KindFreeze }) {",
		engineDir, "TestThaw",
	},
	{
		"two changes that weigh who is left run at once", engineDir + "/execute.go",
		"changing(o, seen) && j.weighs(o)", "changing(o, seen) && false",
		"commands", "TestG26TwoAtOnce|TestG26WeighedStale",
	},
	{
		"a reading that may be old decides who is left", engineDir + "/execute.go",
		"seen := read.Add(-j.limits.Settle)", "seen := read",
		"commands", "TestG26WeighedStale",
	},
	{
		"a head proves what was written after it", "commands/evidence/verify.go",
		"if r.Number > number && r.Request == f.Request {", "if r.Number < 0 && r.Request == f.Request {",
		"commands", "TestG35Nothing",
	},
	{
		"of anything it may be said that it was pruned", "audit/verify.go",
		"if facts.Through > c.through {", "if facts.Through < 0 {",
		"audit", "TestG35",
	},
	{
		"whom a running request is about only raises an alarm", engineDir + "/stop.go",
		"err != nil || !r.Pausable() {", "err != nil || r.Pausable() {",
		engineDir, "TestU05Stopped",
	},
	{
		"a pass of somebody else is taken for ours", "commands/tap.go",
		" && !created.After(intent.Add(passWithin))", " && !created.IsZero()",
		"commands", "TestO02NotOurPass",
	},
}
