package approval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Halt is what somebody wants of a request that is carried out on one target
// after the other: that it waits before the next one, or ends there. What was
// begun for a target is always finished. Its zero value is neither.
type Halt struct {
	Stop  bool      `json:"stop,omitempty"` // what is left is not done; else it waits
	By    string    `json:"by"`             // a person's object ID
	Since time.Time `json:"since"`
}

// Held reports whether the next target has to wait.
func (h Halt) Held() bool { return !h.Since.IsZero() }

func haltName(r Request) string { return "halt/" + r.ID }

// HaltOf returns what is wanted of r.
func HaltOf(tx Tx, r Request) (h Halt, err error) {
	text, err := tx.Setting(r.Tenant, haltName(r))
	if err != nil || text == "" {
		return h, err
	}
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return h, fmt.Errorf("read halt: %w", err)
	}
	return h, nil
}

// setHalt stores what is wanted of r, or that nothing is.
func setHalt(tx Tx, r Request, h Halt) error {
	if !h.Held() {
		return tx.Set(r.Tenant, haltName(r), "")
	}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return tx.Set(r.Tenant, haltName(r), string(text))
}

// Pausable reports whether r can be paused, resumed or stopped on its way.
func (r Request) Pausable() bool {
	return len(r.Targets) > 1 && (r.State == Executing || r.State == Reconciling)
}

// Pause has a request that is being carried out on several targets wait before
// the next one, by the word of its requester or of any approver.
func (e *Engine) Pause(ctx context.Context, v Vote) (Request, error) {
	r, err := e.halt(ctx, v, "request.paused", e.mayStop, Pause)
	return r, e.refused(ctx, v, "pause", err)
}

// Resume has a paused request go on. Whoever is not its requester, who takes back
// their own pause, has to be one of those who decide.
func (e *Engine) Resume(ctx context.Context, v Vote) (Request, error) {
	r, err := e.halt(ctx, v, "request.resumed", e.Standing.MayDecide, Resume)
	return r, e.refused(ctx, v, "resume", err)
}

// halt stores what decide makes of what is wanted of a request until now, if v's
// author may.
func (e *Engine) halt(ctx context.Context, v Vote, kind string, may right, decide func(r Request, is Halt, v Vote, now time.Time) (Halt, error)) (Request, error) {
	r, err := e.find(ctx, v)
	if err != nil {
		return Request{}, err
	}
	if err := e.entitle(ctx, &v, r, may); err != nil {
		return Request{}, err
	}
	var h Halt
	err = e.Store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if r, err = tx.Request(ref(v)); err != nil {
			return err
		}
		is, err := HaltOf(tx, r)
		if err != nil {
			return err
		}
		if h, err = decide(r, is, v, now); err != nil {
			return err
		}
		facts := map[string]any{"account": v.Account, "why": v.Why}
		v.Warrant.note(facts)
		return keepHalt(tx, r, h, now, kind, v.By, facts)
	})
	if errors.Is(err, ErrUnsure) {
		err = e.wanted(ctx, r, h, err)
	}
	return r, err
}

// keepHalt stores what somebody wants of r, with its record, and has r shown anew.
func keepHalt(tx Tx, r Request, h Halt, now time.Time, kind string, by Principal, facts map[string]any) error {
	if err := setHalt(tx, r, h); err != nil {
		return err
	}
	if err := record(tx, r, now, kind, by, facts); err != nil {
		return err
	}
	return tx.Touch(r.ID)
}

// wanted finds out whether it was stored what is wanted of r, where the commit
// was left open.
func (e *Engine) wanted(ctx context.Context, r Request, h Halt, unsure error) error {
	return again(ctx, e.Store, unsure, func(tx Tx) (bool, error) {
		is, err := HaltOf(tx, r)
		return is == h, err
	})
}

// Pause decides what is wanted of r once v's author wants it to wait.
func Pause(r Request, is Halt, v Vote, now time.Time) (Halt, error) {
	switch err := haltable(r, v); {
	case err != nil:
		return is, err
	case is.Stop:
		return is, ErrStopped
	case is.Held():
		return is, ErrPaused
	}
	return Halt{By: v.By.Object, Since: now}, nil
}

// Resume decides what is wanted of r once v's author wants it to go on. That its
// author is the requester or may decide was asked before; the requester takes
// back no pause but their own.
func Resume(r Request, is Halt, v Vote, _ time.Time) (Halt, error) {
	switch err := haltable(r, v); {
	case err != nil:
		return is, err
	case is.Stop:
		return is, ErrStopped
	case !is.Held():
		return is, ErrNotPaused
	case v.By == r.Requester && is.By != v.By.Object:
		return is, ErrNotYourPause
	}
	return Halt{}, nil
}

// Break decides what is wanted of r once v's author wants it to end before the
// next target.
func Break(r Request, is Halt, v Vote, now time.Time) (Halt, error) {
	switch err := haltable(r, v); {
	case err != nil:
		return is, err
	case is.Stop:
		return is, ErrStopped
	}
	return Halt{Stop: true, By: v.By.Object, Since: now}, nil
}

func haltable(r Request, v Vote) error {
	switch {
	case v.By.Tenant != r.Tenant:
		return ErrNotAllowed
	case v.By != r.Requester && r.aims(v.By):
		return ErrTarget
	case !sealed(r, v.Seal):
		return ErrChanged
	case r.Pausable():
		return nil
	case r.State == Executing:
		return ErrWhole
	case r.State == Pending || r.State == Approved:
		return ErrNotBegun
	default:
		return ended(r)
	}
}

// asRequester is by what right somebody acts who asked for r.
func asRequester(r Request, v Vote) Warrant {
	return Warrant{Name: r.Warrant.Name, UPN: r.Warrant.UPN, Role: "requester", Via: viaRequest, Proof: v.Proof}
}
