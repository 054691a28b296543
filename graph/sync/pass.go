package sync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"twokey/graph"
)

// Pass reads what has changed since the last pass, or goes on with what that
// one did not finish, and stores it as it comes. Each source is read for itself:
// the error names those that could not be. Where another process leads the
// sync, Pass does nothing.
func (s *Syncer) Pass(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.pass(ctx)
}

// pass is Pass in its turn.
func (s *Syncer) pass(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	s.begun = time.Now()
	s.mu.Unlock()
	began := s.cfg.Now()
	err := s.lead(ctx, func(ctx context.Context, l Lease) error {
		progress, err := s.cfg.Store.SyncProgress(ctx, s.cfg.Tenant)
		if err != nil {
			return fmt.Errorf("read progress: %w", err)
		}
		p := &pass{Syncer: s, lease: l, progress: progress}
		return p.run(ctx)
	})
	ring(s.passed)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = time.Time{}
	if errors.Is(err, errFollowing) {
		err = nil
	}
	if ctx.Err() == nil {
		s.last = began
	}
	return err
}

// pass is one pass under way.
type pass struct {
	*Syncer
	lease    Lease
	licence  graph.Licence
	progress map[Source]Progress // as the pass found it
}

// run reads the sources side by side, but for those that need another's rows:
// only accounts that are kept can be known more of.
func (p *pass) run(ctx context.Context) error {
	licence, err := p.cfg.Reader.Licence(ctx)
	if err != nil {
		licence = graph.LicenceUnknown // then the report's answer tells
	}
	p.licence = licence
	p.mu.Lock()
	p.Syncer.licence, p.asked = licence, true
	p.mu.Unlock()
	ring(p.looked)

	var wave sync.WaitGroup
	var people, mail error
	wave.Go(func() { people = p.people(ctx) })
	wave.Go(func() { mail = p.note(ctx, MailApps, p.mailApps(ctx)) })
	wave.Wait()
	return errors.Join(people, mail)
}

// people reads accounts, and then how they can sign in. Without all accounts
// that waits: a row of somebody who is not listed yet would be lost.
func (p *pass) people(ctx context.Context) error {
	accounts := p.note(ctx, Accounts, p.accounts(ctx))
	if accounts != nil && p.progress[Accounts].Done.IsZero() {
		return accounts
	}
	audits := p.note(ctx, Audits, p.audits(ctx))
	var report error
	if p.licence != graph.Free {
		report = p.note(ctx, Report, p.report(ctx))
	}
	methods := p.note(ctx, Methods, p.methods(ctx, p.lease, Due{What: Methods, Unread: p.unread(report)}, -1))
	return errors.Join(accounts, audits, report, methods)
}

// unread says whose methods are to be read although nothing was heard of them:
// everybody's where there is no report, and otherwise those whom it leaves out.
// A report that is refused and has none of late is none, whatever was missing.
func (p *pass) unread(report error) Unread {
	var refused *graph.Error
	switch {
	case p.licence == graph.Free:
		return AllUnread
	case report == nil:
		return Unreported
	case begun(p.progress[Report], reportEvery, p.cfg.Now()) || !errors.As(report, &refused):
		return NoUnread
	case refused.Kind == graph.KindNoLicence || refused.Kind == graph.KindNoPermission:
		return AllUnread
	default:
		return NoUnread
	}
}

// accounts reads the accounts that changed, or all of them where that is not
// known.
func (p *pass) accounts(ctx context.Context) error {
	at := p.at(Accounts)
	if at.Began.IsZero() && at.Token != "" {
		began := p.cfg.Now()
		changes, err := p.cfg.Reader.UserChanges(ctx, at.Token)
		if err != nil {
			return err
		}
		if !changes.Expired {
			at.Token, at.Done = changes.Next, began
			return p.keep(ctx, Batch{Progress: at, Accounts: changes.Changed, Removed: changes.Removed})
		}
	}
	if at.Began.IsZero() {
		// The place from which changes are read next comes before the first page:
		// what changes meanwhile is then read twice rather than never.
		start, err := p.cfg.Reader.UserChanges(ctx, "")
		if err != nil {
			return err
		}
		at.Token = start.Next
		at.begin(p.cfg.Now())
		if err := p.keep(ctx, Batch{Progress: at}); err != nil {
			return err
		}
	}
	return p.pages(ctx, at, func(ctx context.Context, from graph.Cursor) (b Batch, next graph.Cursor, err error) {
		b.Accounts, next, err = p.cfg.Reader.UserPage(ctx, from)
		return b, next, err
	})
}

// reportEvery is how often the registration report is read: its rows are some
// hours old, and the audit log tells what happened in between.
const reportEvery = 24 * time.Hour

// report reads the registration report, if it is time.
func (p *pass) report(ctx context.Context) error {
	at := p.at(Report)
	now := p.cfg.Now()
	if at.Began.IsZero() || now.Sub(at.Began) >= reportEvery {
		if now.Sub(at.Done) < reportEvery {
			return nil
		}
		at.begin(now)
	}
	return p.pages(ctx, at, func(ctx context.Context, from graph.Cursor) (b Batch, next graph.Cursor, err error) {
		b.Report, next, err = p.cfg.Reader.RegistrationPage(ctx, from)
		return b, next, err
	})
}

// at is the progress of a source as the pass found it.
func (p *pass) at(source Source) Progress {
	at := p.progress[source]
	at.Source = source
	return at
}

// begin starts a full reading.
func (at *Progress) begin(now time.Time) {
	at.Began, at.Cursor = now, ""
	at.Round++
}

// pages goes on with a full reading until its end, and stores every page with
// the place of the next one. A place that the tenant knows no more is given up:
// the next pass begins anew.
func (p *pass) pages(ctx context.Context, at Progress, page func(context.Context, graph.Cursor) (Batch, graph.Cursor, error)) error {
	for {
		b, next, err := page(ctx, at.Cursor)
		if err != nil {
			var refused *graph.Error
			if at.Cursor != "" && errors.As(err, &refused) && refused.Kind == graph.KindRefused {
				at.Began, at.Cursor, at.Token = time.Time{}, "", ""
				err = errors.Join(err, p.keep(ctx, Batch{Progress: at}))
			}
			return err
		}
		b.Full, b.Last, at.Cursor = true, next == "", next
		if b.Last {
			at.Done, at.Began = at.Began, time.Time{}
		}
		b.Progress = at
		if err := p.keep(ctx, b); err != nil || b.Last {
			return err
		}
	}
}

func (p *pass) keep(ctx context.Context, b Batch) error {
	return p.cfg.Store.KeepSync(ctx, p.lease, b)
}

// How the audit log is read.
const (
	// auditLag is how late a line may reach the log.
	auditLag = 30 * time.Minute
	// settling is how long after a change a read may still show the old state.
	settling = 2 * time.Minute
	// reportLag is how old a row of the registration report may be when it is read.
	reportLag = 6 * time.Hour
)

// audits marks whose methods have changed. Where the log does not reach back
// to the last reading, everybody's may have.
func (p *pass) audits(ctx context.Context) error {
	last, now := p.at(Audits), p.cfg.Now()
	b := Batch{Progress: Progress{Source: Audits, Done: now}}
	retention := 7 * 24 * time.Hour
	if p.licence >= graph.P1 {
		retention = 30 * 24 * time.Hour
	}
	since := last.Done.Add(-auditLag)
	switch {
	case last.Done.IsZero() && p.licence == graph.Free: // everybody is read after this
		return p.keep(ctx, b)
	case last.Done.IsZero():
		since = now.Add(-reportLag)
	case since.Before(now.Add(-retention)):
		b.AllOutdated = true
		return p.keep(ctx, b)
	}
	lines, err := p.cfg.Reader.Audits(ctx, graph.AuditQuery{Since: since, Service: graph.ServiceMethods})
	if err != nil {
		return err
	}
	b.Outdated = outdated(lines)
	return p.keep(ctx, b)
}

// outdated are the users that the log names, and since when a reading of their
// methods is not behind what it says.
func outdated(lines []graph.Audit) map[string]time.Time {
	since := make(map[string]time.Time)
	for _, line := range lines {
		settled := line.At.Add(settling)
		for _, t := range line.Targets {
			if t.Type == "User" && t.ID != "" && settled.After(since[t.ID]) {
				since[t.ID] = settled
			}
		}
	}
	return since
}

// mailAppsEvery is how often the report of mail programs is read: it is made
// once a day, and its quota is small.
const mailAppsEvery = 6 * time.Hour

// mailApps reads the report of mail programs, if it is time. Who uses only
// modern programs is not kept: nothing is asked about them.
func (p *pass) mailApps(ctx context.Context) error {
	last, now := p.at(MailApps), p.cfg.Now()
	if now.Sub(last.Done) < mailAppsEvery {
		return nil
	}
	use, err := p.cfg.Reader.EmailAppUse(ctx, graph.Days30)
	if err != nil {
		return err
	}
	kept := use.Rows[:0]
	for _, row := range use.Rows {
		if usesOld(row) {
			kept = append(kept, row)
		}
	}
	use.Rows = kept
	return p.keep(ctx, Batch{Progress: Progress{Source: MailApps, Done: now}, MailApps: &use})
}

// usesOld reports whether somebody was seen with a protocol that cannot do MFA.
func usesOld(row graph.EmailAppRow) bool {
	for _, program := range row.Programs {
		switch program {
		case graph.ProgramPOP3, graph.ProgramIMAP4, graph.ProgramSMTP:
			return true
		}
	}
	return false
}
