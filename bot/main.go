package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// program is the command line: one field a subcommand, each in a file of its
// own name.
type program struct {
	Demo        demoCommand        `cmd:"" help:"Run the whole product against a simulated tenant: no account, no network."`
	Serve       serveCommand       `cmd:"" help:"Run the bot for an organisation, as its configuration says."`
	Doctor      doctorCommand      `cmd:"" help:"Look at everything that has to hold before the bot can work, and say how to mend what does not."`
	Config      configCommand      `cmd:"" help:"Print an example of the configuration, or its schema for editors."`
	Digest      digestCommand      `cmd:"" help:"Write this week's digest as files, posting nothing."`
	Ask         askCommand         `cmd:"" help:"Ask the staff guide a question."`
	Audit       auditCommand       `cmd:"" help:"Check or export the audit record."`
	Freeze      freezeCommand      `cmd:"" help:"Stop all changes from the host, beside a running bot and without the chat."`
	Backup      backupCommand      `cmd:"" help:"Copy the database to a file, beside a running bot, and check the copy."`
	Manifest    manifestCommand    `cmd:"" help:"Print what a service wants to be told before the bot can work there."`
	Tenant      tenantCommand      `cmd:"" help:"Run the simulated tenant alone, for other programs and tests."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask a running bot whether it can do its work, for containers."`
	Version     versionCommand     `cmd:"" help:"Print version, commit and Go."`
}

// streams are the standard streams, passed in so that tests have their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run carries out one command line and returns the exit status: 0, 1 for a
// failure that has been said, 2 for a command line that is wrong.
func run(ctx context.Context, args []string, std streams) int {
	var p program
	status := -1
	parser, err := kong.New(&p,
		kong.Name("twokey"),
		kong.Description("Rolls out and runs MFA in Microsoft 365 from the team's own chat."),
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { status = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		fmt.Fprintln(std.err, "twokey:", err)
		return 2
	}
	line, err := parser.Parse(args)
	if status >= 0 { // help was asked for and given
		return status
	}
	if err != nil {
		fmt.Fprintln(std.err, "twokey:", harmless(err.Error()))
		fmt.Fprintln(std.err, "“twokey --help” lists the commands.")
		return 2
	}
	if err := line.Run(); err != nil {
		if !errors.Is(err, errSaid) {
			fmt.Fprintln(std.err, "twokey:", harmless(sentence(err)))
		}
		return 1
	}
	return 0
}

// errSaid is a failure that the command has told of already.
var errSaid = errors.New("said already")

// sentence prefers what an error has to say to people over its cause.
func sentence(err error) string {
	var s interface{ Say() string }
	if errors.As(err, &s) {
		return s.Say()
	}
	return err.Error()
}

// harmless writes out what a terminal would act on, such as the escapes that
// move its cursor, or what would change the order in which text is read. Lines
// after the first are set back, so that none looks like one of ours.
func harmless(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString("\n  ")
		case strconv.IsGraphic(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}
