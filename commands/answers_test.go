package commands

import (
	"cmp"
	"fmt"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph"
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

// onDiscord is where Discord has a command, by its audience.
var onDiscord = map[chat.Audience]string{chat.ForEverybody: "/mfa", chat.ForReaders: "/mfa-look", chat.ForChangers: "/mfa-change"}

// answers is the table of all commands: where each is, who may run it, and what
// is answered to the first line of its transcript on each licence. That the
// columns of people are true, the test of permissions holds by running each as
// each of them.
func answers(all []Command, licences []graph.Licence, said []map[string]string) string {
	var b strings.Builder
	b.WriteString("# What each command answers\n\nWritten by `go test ./commands -run TestTranscripts -update`, from running each on a simulated tenant of each licence; the whole\n" +
		"answers are in the folder `commands` beside this file. On Slack, on the console and in direct messages everything is `/mfa …`; Discord has\nwhat the second column says. Teams gets digests and takes no commands. A cross is who may run it; everybody else is refused.\n\n| command | Discord |")
	for _, s := range columns {
		b.WriteString(" " + s.name + " |")
	}
	for _, l := range licences {
		b.WriteString(" on " + l.String() + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", 2+len(columns)+len(licences)) + "\n")
	for _, c := range all {
		fmt.Fprintf(&b, "| %s | %s |", c.Name, onDiscord[c.audience()])
		for _, s := range columns {
			mark := ""
			if c.Access.Allows(s.who) {
				mark = "x"
			}
			b.WriteString(" " + mark + " |")
		}
		last := ""
		for i := range licences {
			first := firstAnswer(said[i][c.Name])
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
