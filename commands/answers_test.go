package commands

import (
	"cmp"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
)

// columns are those whom a table of answers has columns for.
var columns = []struct {
	name string
	who  identity.Speaker
}{
	{"not linked", identity.Speaker{}},
	{"staff", identity.Speaker{Linked: true}},
	{"viewer", speaking(identity.Viewer)},
	{"helpdesk", speaking(identity.Helpdesk)},
	{"lead", speaking(identity.Lead)},
	{"approver", speaking(identity.Approver)},
	{"owner", speaking(identity.Owner)},
}

func speaking(r identity.Role) identity.Speaker {
	return identity.Speaker{Linked: true, Roles: []identity.Role{r}}
}

// answered is what came of each command in one place.
type answered struct {
	name string
	cell map[string]string // by the command's name
}

// answers is the table of all commands: how each is typed on each platform and
// who sees the answer there, who may run it, and what is answered to the first
// line of its transcript on each licence. That the columns of people are true,
// the test of permissions holds by running each as each of them.
func answers(all []Command, platforms, licences []answered) string {
	var b strings.Builder
	b.WriteString("# What each command answers\n\nWritten by `go test ./commands -run TestTranscripts -update`, from running each: on a simulated tenant of each licence, where the whole\n" +
		"answers are in the folder `commands/testdata/commands`; and in the administrators' channel of each platform, through its adapter, on each\n" +
		"licence as well: what differs by it is said. There\n" +
		"*aloud* is an answer that others in the channel saw, and *privately* one that they did not. Teams gets digests and takes no commands.\n" +
		"A cross is who may run it; everybody else is refused.\n\n| command |")
	marks := 1 + len(platforms) + len(columns) + len(licences)
	for _, p := range platforms {
		b.WriteString(" " + p.name + " |")
	}
	for _, s := range columns {
		b.WriteString(" " + s.name + " |")
	}
	for _, l := range licences {
		b.WriteString(" on " + l.name + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", marks) + "\n")
	for _, c := range all {
		b.WriteString("| " + c.Name + " |")
		for _, p := range platforms {
			b.WriteString(" " + p.cell[c.Name] + " |")
		}
		for _, s := range columns {
			mark := ""
			if c.Access.Allows(s.who) {
				mark = "x"
			}
			b.WriteString(" " + mark + " |")
		}
		last := ""
		for i, l := range licences {
			first := firstAnswer(l.cell[c.Name])
			if i > 0 && first == last {
				b.WriteString(" the same |")
				continue
			}
			b.WriteString(" " + first + " |")
			last = first
		}
		b.WriteString("\n")
	}
	return b.String()
}

// firstAnswer is the headline of the first answer in a transcript.
func firstAnswer(transcript string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(transcript, "\n"), "\n")
	line, _, _ := strings.Cut(rest, "\n")
	return cmp.Or(strings.ReplaceAll(chat.Safe(line, 120), "|", "/"), "not said here: see its own tests")
}
