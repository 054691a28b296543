package approval_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"twokey/commands/approval"
)

// kindPass is the kind of action that creates a pass for a person, which its
// requester collects and sees once.
const kindPass = "pass"

// kindMade is the kind of action that creates something which nobody collects.
const kindMade = "made"

// pass is one as the tenant keeps it. The code is the secret of it.
type pass struct {
	user, code string
	at         time.Time
}

// issuing is the action over the tenant's passes.
type issuing struct {
	tenant  *tenant
	process *mortal
}

var _ approval.Withdrawer = issuing{}

func (i issuing) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	if err := i.tenant.await(ctx); err != nil {
		return nil, err
	}
	ids, err := i.list(r)
	if err != nil {
		return nil, err
	}
	return json.Marshal(ids)
}

// list returns the IDs of the user's passes that can be seen, in order.
func (i issuing) list(r approval.Request) ([]string, error) {
	i.tenant.mu.Lock()
	defer i.tenant.mu.Unlock()
	if i.tenant.down {
		return nil, errDown
	}
	ids := []string{}
	for id, p := range i.tenant.passes {
		if p.user == r.Targets[0].ID && !i.tenant.now().Before(p.at.Add(i.tenant.lag)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (i issuing) Compare(was, now json.RawMessage, _ approval.Request, _ []approval.Step) []string {
	if !bytes.Equal(was, now) {
		return []string{"The passes were " + string(was) + " and are " + string(now) + "."}
	}
	return nil
}

func (i issuing) Steps(r approval.Request) ([]approval.Call, error) {
	user := r.Targets[0].ID
	c := approval.Call{What: "create a pass for " + user, Method: "POST", URL: "/passes", Body: []byte(`{"user":"` + user + `"}`)}
	c.Send = paused(i.process, func(ctx context.Context, clientID string) approval.Answer {
		return i.tenant.send(ctx, clientID, c, func() approval.Answer {
			i.tenant.created++
			id, code := fmt.Sprint("pass-", i.tenant.created), fmt.Sprintf("S3cret!%06d", 7919*i.tenant.created)
			i.tenant.passes[id] = pass{user, code, i.tenant.now()}
			return approval.Answer{Object: id, Handover: code, Facts: "It is valid until noon."}
		})
	})
	return []approval.Call{c}, nil
}

func (i issuing) Withdraw(_ approval.Request, created approval.Step) approval.Call {
	c := approval.Call{What: "delete " + created.Object, Method: "DELETE", URL: "/passes/" + created.Object}
	c.Send = paused(i.process, func(ctx context.Context, clientID string) approval.Answer {
		return i.tenant.send(ctx, clientID, c, func() approval.Answer {
			delete(i.tenant.passes, created.Object)
			return approval.Answer{}
		})
	})
	return c
}

func (i issuing) Probe(_ context.Context, r approval.Request, before json.RawMessage, s approval.Step) (approval.Finding, error) {
	var known []string
	ids, err := i.list(r)
	if err := errors.Join(err, json.Unmarshal(before, &known)); err != nil {
		return approval.Finding{}, err
	}
	for _, id := range ids {
		if s.Object == id || s.Object == "" && !slices.Contains(known, id) {
			return approval.Finding{Class: approval.Applied, Seen: "There is a pass, valid until noon.", Object: id}, nil
		}
	}
	return approval.Finding{Class: approval.NotDone, Seen: "There is no pass."}, nil
}

// kindRead is the kind of action that reads once more at its end.
const kindRead = "read"

type reading struct{ setting }

var _ approval.Verifier = reading{}

func (r reading) Verify(ctx context.Context, req approval.Request) (string, error) {
	_, err := r.Snapshot(ctx, req)
	return "Read once more.", err
}

// kindOwn is the kind of action whose effect is a row of the bot's own.
const kindOwn = "own"

// owning freezes another tenant: any row will do.
type owning struct{}

var _ approval.Local = owning{}

const otherTenant = "t-9"

func (owning) Snapshot(context.Context, approval.Request) (json.RawMessage, error) {
	return json.RawMessage("{}"), nil
}

func (owning) Compare(json.RawMessage, json.RawMessage, approval.Request, []approval.Step) []string {
	return nil
}

func (owning) Steps(approval.Request) ([]approval.Call, error) { return nil, nil }

func (owning) Probe(context.Context, approval.Request, json.RawMessage, approval.Step) (approval.Finding, error) {
	return approval.Finding{}, errors.New("there is no step")
}

func (owning) Apply(tx approval.Tx, r approval.Request, now time.Time) error {
	f, err := tx.Freeze(otherTenant)
	if err != nil {
		return err
	}
	if !f.Since.IsZero() {
		return &approval.Refusal{Code: "there", Text: "It is there already."}
	}
	return tx.SetFreeze(otherTenant, approval.Freeze{Since: now, By: "host", Why: r.Ref})
}

// passPlan returns a request for a pass for a person, to be collected for an hour.
func (w *world) passPlan(asker, user string) approval.Plan {
	w.t.Helper()
	p := w.plan(asker, 1, user)
	p.Kind, p.Args = kindPass, json.RawMessage("{}")
	p.Policy.Collect = time.Hour
	snapshot, err := (issuing{tenant: w.tenant}).Snapshot(context.Background(), approval.Request{Targets: p.Targets})
	if err != nil {
		snapshot = json.RawMessage("[]")
	}
	p.Snapshot = snapshot
	return p
}

// askPass has a pass asked for and approved.
func (w *world) askPass(asker, user string) approval.Request {
	w.t.Helper()
	r, err := w.engine.Submit(context.Background(), w.passPlan(asker, user))
	if err != nil {
		w.t.Fatalf("Submit: %v", err)
	}
	return w.approve(r, "bea")
}

// press collects r in the process, and shows what comes to whoever pressed.
func (w *world) press(p *process, r approval.Request, who string, deliver func(ctx context.Context) error) (approval.Request, error) {
	return p.runner.Collect(context.Background(), press(r, who), func(ctx context.Context, handover any) error {
		w.wantStored(r)
		if err := deliver(ctx); err != nil {
			return fmt.Errorf("the message %v was refused: %w", handover, err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.handed[r.ID] = append(w.handed[r.ID], handover.(string))
		return nil
	})
}

// received is a delivery that arrives.
func received(context.Context) error { return nil }

// wantStored fails unless it is stored that the pass was created: nothing is
// shown before.
func (w *world) wantStored(r approval.Request) {
	err := w.beside.View(context.Background(), func(tx approval.Tx) error {
		steps, err := tx.Steps(r.ID)
		if err == nil && (len(steps) == 0 || steps[len(steps)-1].Class != approval.Applied) {
			err = fmt.Errorf("a pass is shown, and its steps are %+v", steps)
		}
		return err
	})
	if err != nil {
		w.t.Errorf("%s: %v", r.Ref, err)
	}
}

// checkPass holds G03 and G25 against a request for a pass: one is created at
// most, and if nobody received it then it is taken back, or said to be valid.
func (h *history) checkPass(passes map[string]pass, handed []string) {
	h.t.Helper()
	r := h.request
	created, withdrawn := len(h.effects[1]) > 0, len(h.effects[2]) > 0
	if created && r.NotBefore.IsZero() {
		h.errorf("G25: a pass was created without an approval")
	}
	if len(handed) > 1 || len(handed) == 1 && !created {
		h.errorf("G25: %d passes were shown", len(handed))
	}
	ok := true
	switch r.State {
	case approval.Succeeded:
		ok = created && len(handed) == 1 && !withdrawn
	case approval.Failed:
		ok = !created
	case approval.Partial:
		ok = created && strings.Contains(r.Outcome.Why, "ask for it anew")
	case approval.Unknown, approval.Executing, approval.Reconciling:
	default:
		ok = !created && len(handed) == 0
	}
	if !ok {
		h.errorf("G03: created %t, shown %d times, withdrawn %t: %s", created, len(handed), withdrawn, r.Outcome.Why)
	}
	valid := false
	for _, s := range h.steps {
		_, there := passes[s.Object]
		valid = valid || there && s.Number == 1
	}
	said := strings.Contains(r.Outcome.Why, "still valid")
	if r.State == approval.Partial && valid != said {
		h.errorf("G25: the pass is valid: %t; it is said: %s", valid, r.Outcome.Why)
	}
}

// checkSecrets: I11, no code of a pass is in any byte that was stored, owed or
// logged.
func (w *world) checkSecrets() {
	w.t.Helper()
	var all bytes.Buffer
	for _, file := range []string{w.dsn, w.dsn + "-wal"} {
		text, err := os.ReadFile(file)
		if err != nil && !strings.HasPrefix(w.dsn, "postgres") && !errors.Is(err, os.ErrNotExist) {
			w.t.Errorf("read %s: %v", file, err)
		}
		all.Write(text)
	}
	for _, r := range w.requests() {
		err := w.store.View(context.Background(), func(tx approval.Tx) error {
			steps, err := tx.Steps(r.ID)
			fmt.Fprintf(&all, "%+v %+v", r, steps)
			return err
		})
		if err != nil {
			w.t.Errorf("read steps: %v", err)
		}
	}
	for r, err := range w.store.Audit(context.Background()) {
		if err != nil {
			w.t.Errorf("read audit record: %v", err)
		}
		all.WriteString(r.Facts)
	}
	all.Write(w.log.all())
	if i := bytes.Index(all.Bytes(), []byte("S3cret!")); i >= 0 {
		w.t.Errorf("I11: the code of a pass was found in %q", all.Bytes()[max(0, i-80):min(all.Len(), i+20)])
	}
}

// valid returns the passes that there are.
func (t *tenant) valid() map[string]pass {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.passes)
}

// shown returns the passes that r's requester saw.
func (w *world) shown(r approval.Request) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.handed[r.ID])
}
