package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"twokey/bot/config"
)

type serveCommand struct {
	Config string `help:"The configuration file." type:"path" required:"" placeholder:"FILE"`
	Check  bool   `help:"Read the configuration, say what is wrong with it, and end."`
	Log    string `help:"The least that is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
}

// Run is the bot for an organisation, until ctx ends: then nothing more is
// taken in, what is under way is finished, and what is owed stays in the store
// for whoever comes next.
func (c serveCommand) Run(ctx context.Context, std streams) (err error) {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	if c.Check {
		return check(c.Config, cfg, std)
	}
	log, err := newLog(std.err, c.Log)
	if err != nil {
		return err
	}
	s, err := newService(ctx, cfg, setting{now: time.Now, log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	defer refuseReload(log)()
	return s.run(ctx, std.out)
}

func newLog(to io.Writer, least string) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(least)); err != nil {
		return nil, err
	}
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level})), nil
}

// refuseReload keeps a hang-up, by which other programs read their
// configuration again, from ending this one, until the returned function is
// called. Rules are compared and announced at a start, so it takes one.
func refuseReload(log *slog.Logger) (stop func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer close(done)
		for range signals {
			log.Warn("the configuration is read at a start alone: restart the bot")
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}

// unable says what of a configuration this program cannot do yet. To leave it
// out silently would be worse: somebody counts on it.
func unable(cfg *config.Config) error {
	switch {
	case len(cfg.Tenants) > 1:
		return cfg.Mistake("tenants[1]", fmt.Sprintf("the configuration names %d tenants, and one bot looks after one; run a bot for each, with a configuration, a store and an app of the chat of its own", len(cfg.Tenants)))
	case cfg.Teams != nil && cfg.Digest == nil:
		return cfg.Mistake("teams", "the digest is posted there, and there is no section digest that says when; add one, or take teams out")
	case cfg.Slack == nil && cfg.Discord == nil:
		return cfg.Mistake("", "there is no chat to serve; add a section slack or discord (“twokey demo” runs without one)")
	}
	for i, to := range cfg.Audit.HeadTo {
		if strings.HasPrefix(to, "mailto:") {
			return cfg.Mistake(fmt.Sprintf("audit.head_to[%d]", i), "heads of the audit record would go to "+to+", and this program does not mail them yet; name a file, at best on another machine's disk, or a web address")
		}
	}
	return nil
}

// run serves until ctx ends, and says so.
func (s *service) run(ctx context.Context, out io.Writer) error {
	for _, line := range s.sentences() {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return s.bot.run(ctx, func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, c := range s.chats {
			group.Go(func() error { return c.Run(ctx) })
		}
		group.Go(func() error { return s.sayReady(ctx, out) })
		group.Go(func() error { return s.heads.Run(ctx) })
		if s.listener != nil {
			group.Go(func() error { return serve(ctx, s.listener, s.web()) })
		}
		return group.Wait()
	})
}

// sayReady says it once the chat is connected.
func (s *service) sayReady(ctx context.Context, out io.Writer) error {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for s.chats.Ready() != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
	_, err := fmt.Fprintln(out, "ready")
	return err
}

// sentences say what is served.
func (s *service) sentences() []string {
	var on []string
	if s.slack != nil {
		on = append(on, "Slack, by "+either(s.cfg.Slack.Mode == "http", "signed requests", "Socket Mode"))
	}
	if s.discord != nil {
		on = append(on, "Discord, by "+either(s.cfg.Discord.Mode == "http", "signed requests", "its gateway"))
	}
	lines := []string{fmt.Sprintf("serves %s (%s) on %s", s.org.Name, s.org.ID, strings.Join(on, ", and on "))}
	if s.listener != nil {
		lines = append(lines, fmt.Sprintf("listens on %s", s.listener.Addr()))
	}
	if s.page != nil {
		lines = append(lines, "people link their accounts at "+s.cfg.Web.PublicURL)
	}
	return lines
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
