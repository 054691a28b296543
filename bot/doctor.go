package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"twokey/bot/config"
)

type doctorCommand struct {
	Config string `help:"The configuration file." type:"path" required:"" placeholder:"FILE"`
	JSON   bool   `help:"Print JSON."`
}

// The states of a finding, the best first.
const (
	stateFine    = "ok"
	stateSkipped = "skipped" // it could not be looked at, because of another finding
	stateNote    = "note"    // something goes without it
	stateWrong   = "wrong"   // the bot cannot do its work
)

// finding is what became of one check.
type finding struct {
	Check string `json:"check"` // "slack scope chat:write"
	State string `json:"state"`
	What  string `json:"what,omitempty"` // what was found
	Why   string `json:"why,omitempty"`  // what it is needed for
	Mend  string `json:"mend,omitempty"` // what to do
}

// Run looks at everything that has to hold before a bot can do its work, says
// what is wrong and how to mend it, and fails if anything needed is missing. It
// changes nothing, and works beside a running bot.
func (c doctorCommand) Run(ctx context.Context, std streams) error {
	d := &examination{now: time.Now}
	d.all(ctx, c.Config)
	if err := d.print(std.out, c.JSON); err != nil {
		return err
	}
	if d.wrong() {
		return errSaid
	}
	return nil
}

// examination collects findings.
type examination struct {
	now      func() time.Time
	findings []finding
}

func (d *examination) add(f finding) { d.findings = append(d.findings, f) }

func (d *examination) fine(check, what string) {
	d.add(finding{Check: check, State: stateFine, What: what})
}

// failed adds what an error says, and what it says to do about it.
func (d *examination) failed(check string, err error, why, mend string) {
	mend = cmp.Or(mend, hint(err))
	d.add(finding{Check: check, State: stateWrong, What: strings.TrimSuffix(sentence(err), ": "+mend), Why: why, Mend: capital(mend)})
}

// capital makes a sentence of what an error says to do.
func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// hint is what an error says to do about it; empty if it does not.
func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func (d *examination) wrong() bool {
	for _, f := range d.findings {
		if f.State == stateWrong {
			return true
		}
	}
	return false
}

// all looks at one thing after the other; what hangs on another thing is only
// looked at if that holds.
func (d *examination) all(ctx context.Context, path string) {
	cfg, ok := d.configuration(path)
	if !ok {
		return
	}
	d.database(ctx, cfg)
	d.heads(cfg)
	d.web(cfg.Web)
	set := setting{now: d.now, log: slog.New(slog.DiscardHandler)}
	d.tenant(ctx, cfg, set)
	d.page(ctx, cfg, set)
	if cfg.Slack != nil {
		d.slack(ctx, cfg, set)
	}
	if cfg.Discord != nil {
		d.discord(ctx, cfg, set)
	}
	d.teams(cfg)
	d.words(cfg)
}

// noStart is why every mistake in the file matters.
const noStart = "The bot does not start with it."

// configuration reads the file. With mistakes in it nothing else is looked at:
// half a configuration would be found wanting for the wrong reasons.
func (d *examination) configuration(path string) (*config.Config, bool) {
	const check = "configuration"
	cfg, err := loadConfig(path)
	var mistakes config.Mistakes
	switch {
	case errors.As(err, &mistakes):
		for _, m := range mistakes {
			d.failed(check, m, noStart, "Correct the line, and run this again: the rest was not looked at.")
		}
		return nil, false
	case errors.Is(err, fs.ErrNotExist):
		d.failed(check, fmt.Errorf("there is no file %s", path), noStart, "“twokey config example” prints one to begin with.")
		return nil, false
	case err != nil:
		d.failed(check, err, noStart, "Let the bot's user read it.")
		return nil, false
	}
	if err := unable(cfg); err != nil {
		d.failed(check, err, noStart, "Correct it; the rest was looked at all the same.")
		return cfg, true
	}
	d.fine(check, path+" is in order")
	return cfg, true
}

// words says what of a configuration goes well and should not be left so.
func (d *examination) words(cfg *config.Config) {
	t := cfg.Tenants[0]
	note := func(check, what, why, mend string) {
		d.add(finding{Check: check, State: stateNote, What: what, Why: why, Mend: mend})
	}
	if len(t.Emergency) == 0 {
		note("emergency accounts", "none is declared", "When everybody is locked out, only such an account gets in.", "Make two in the Entra admin centre, and name them under tenants[0].emergency.")
	}
	if len(cfg.Changes) > 0 && t.SecurityContact == "" {
		note("security contact", "there is none", "Alerts of what smells of an attack go to them.", "Set tenants[0].security_contact.")
	}
	for _, who := range unpinned(t) {
		note("pinned accounts", who+" holds a role and has no chat account of theirs pinned", "Nobody can ask them, and they can decide nothing.", "Pin it under tenants[0].people.")
	}
	if cfg.Digest == nil {
		note("weekly digest", "it is not posted", "Without it only those who ask see how far the organisation is.", "Add the section digest.")
	}
	if cfg.Approvals.Solo {
		note("solo", "one person alone can change the tenant", "Whoever takes over that person's account can change it too.", "Take approvals.solo out as soon as there is a second person.")
	}
	if cfg.Approvals.AcceptNoStepUp {
		note("step-up", "nobody proves anew who they are before a powerful change", "Whoever takes over a chat session may then approve.", "Approve on devices that lock themselves.")
	}
	if cfg.Approvals.AcceptLockout {
		note("lock-out guard", "two approvers can let through what leaves too few able to sign in", "Then only Microsoft's support gets you back in.", "Take approvals.accept_lockout out.")
	}
	if len(cfg.Audit.HeadTo) == 0 {
		note("audit heads", "they are kept in the database alone and posted with the digest", "Who can change the database could change the record with it.", "Name a file on another machine's disk under audit.head_to.")
	}
}

// unpinned are those who hold a role by name and cannot use it in the chat.
func unpinned(t config.Tenant) (all []string) {
	for _, role := range config.Roles {
		for _, user := range t.Roles[role].Users {
			pinned := slices.ContainsFunc(t.People, func(p config.Person) bool {
				return strings.EqualFold(p.User, user) && len(p.Slack)+len(p.Discord) > 0
			})
			if !pinned && !slices.Contains(all, user) {
				all = append(all, user)
			}
		}
	}
	return all
}

func (d *examination) print(out io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(struct {
			OK       bool      `json:"ok"`
			Findings []finding `json:"findings"`
		}{!d.wrong(), d.findings})
	}
	paint := painter(out)
	for _, f := range d.findings {
		line := fmt.Sprintf("%s %s", paint(f.State), harmless(f.Check))
		if f.What != "" {
			line += ": " + harmless(f.What)
		}
		for _, more := range []string{f.Why, f.Mend} {
			if more != "" {
				line += "\n        " + harmless(more)
			}
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	end := "\nEverything that is needed is there."
	if d.wrong() {
		end = "\nSomething that is needed is missing: see the lines that begin with “wrong”."
	}
	_, err := fmt.Fprintln(out, end)
	return err
}

// painter writes a state in a column, and in colour on a terminal.
func painter(out io.Writer) func(state string) string {
	f, ok := out.(*os.File)
	colour := ok && isatty.IsTerminal(f.Fd()) && os.Getenv("NO_COLOR") == ""
	colours := map[string]string{stateFine: "32", stateNote: "33", stateWrong: "31", stateSkipped: "2"}
	return func(state string) string {
		s := state + strings.Repeat(" ", len(stateSkipped)-len(state))
		if !colour {
			return s
		}
		return "\x1b[" + colours[state] + "m" + s + "\x1b[0m"
	}
}
