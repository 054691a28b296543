package approval

import (
	"errors"
	"time"
)

// Refusal is a no with its reason, written for the person who asked.
type Refusal struct {
	Code string // stable, for tests and the audit record
	Text string
	// By, Words and Since are whose doing it is, what they said and since when,
	// where that matters. The text leaves them out: they are other people's names
	// and words, and a moment is shown in the reader's zone.
	By    []Principal
	Words string
	Since time.Time
}

func no(code, text string) *Refusal { return &Refusal{Code: code, Text: text} }

// Error returns the code and the sentence.
func (r *Refusal) Error() string { return r.Code + ": " + r.Text }

// Say returns the sentence.
func (r *Refusal) Say() string { return r.Text }

// Is matches refusals by code.
func (r *Refusal) Is(target error) bool {
	var other *Refusal
	return errors.As(target, &other) && other.Code == r.Code
}

// The refusals that are told apart.
var (
	ErrNotFound = no("not-found", "There is no such request. “/mfa requests” lists the open ones.")
	ErrSelf     = no("self", "You asked for this yourself, so somebody else has to decide.")
	// ErrNotYourPause is what a requester is told about the pause of somebody who
	// decides.
	ErrNotYourPause = no("not-your-pause", "Somebody else paused it, so one of those who decide has to let it go on.")

	ErrTarget     = no("target", "This request is about your own account, so somebody else has to decide.")
	ErrVoted      = no("voted", "You have already approved this request. To stop it, deny or cancel it.")
	ErrNoVoter    = no("no-voter", "One approval is enough here because you were away when it was asked, so it has to be somebody else's. You can deny or cancel it.")
	ErrChanged    = no("changed", "What you were shown is not what would run any more. Please ask for it anew.")
	ErrNotYours   = no("not-yours", "Only the requester or an approver can cancel this request.")
	ErrOpen       = no("open", "There is an open request for the same thing already.")
	ErrQuorum     = no("quorum", "There are not enough approvers for this request.")
	ErrCooling    = no("cooling", "You asked for this too often. Somebody else has to ask for it now.")
	ErrTooMany    = no("too-many", "That is more than may be asked for.")
	ErrFrozen     = no("frozen", "Changes are frozen.")
	ErrThawed     = no("thawed", "Changes are not frozen.")
	ErrStepUp     = no("step-up", "This needs a fresh proof of who you are.")
	ErrDoubt      = no("doubt", "Your approval does not count today.")
	ErrConcern    = no("no-concern", "This request is not about you, so it is not yours to stop. An approver can cancel it.")
	ErrNote       = no("note", "Please say what you found, in a few words: they are kept with the request.")
	ErrPaused     = no("paused", "It is paused already. “/mfa requests resume” has it go on.")
	ErrNotPaused  = no("not-paused", "It is not paused.")
	ErrStopped    = no("stopped", "Somebody has stopped it already: what is left is not done.")
	ErrWhole      = no("whole", "It is running already, and it is about one thing: it can neither be paused nor stopped on its way.")
	ErrNotBegun   = no("not-begun", "It has not begun yet. Until then it can be cancelled.")
	ErrContested  = no("contested", "Another change that hangs on the same accounts is under way. It is looked at again after that.")
	ErrNotAllowed = no("not-allowed", "You may not do this.")
)

func refuse(code *Refusal, text string) *Refusal { return &Refusal{Code: code.Code, Text: text} }

// ended says why nothing can be decided about a request any more.
func ended(r Request) *Refusal {
	text := map[State]string{
		Executing:   "This request is already running and can no longer be stopped.",
		Reconciling: "This request has run, and its result is being looked up.",
		Succeeded:   "This request has been carried out already.",
		Failed:      "This request has ended: it could not be carried out, and nothing was changed.",
		Partial:     "This request has ended: a part of it was carried out.",
		Denied:      "This request was denied already.",
		Expired:     "This request has expired. Please ask for it anew.",
		Cancelled:   "This request was cancelled already.",
		Stale:       "This request has ended because something changed in the meantime. Please ask for it anew.",
		Unknown:     "This request has ended, and its result is not known. An administrator has to look at it.",
		Approved:    "This request is approved already and waits to be carried out.",
		Pending:     "This request is still waiting for decisions.",
	}[r.State]
	if r.Pausable() {
		text = "This request is running already. “/mfa stop " + r.Ref + "” ends it before the next account has its turn."
	}
	return &Refusal{Code: "ended-" + string(r.State), Text: text, By: people(r.Outcome.By)}
}

func people(all ...Principal) (known []Principal) {
	for _, p := range all {
		if p.Object != "" {
			known = append(known, p)
		}
	}
	return known
}

// attributed adds to a refusal because of how r stands who brought it there.
func attributed(tx Tx, r Request, err error) error {
	var over *Refusal
	if !errors.As(err, &over) || over.Code != ended(r).Code || len(over.By) > 0 {
		return err
	}
	ds, lost := tx.Decisions(r.ID)
	if lost != nil {
		return lost
	}
	named := *over
	named.By = Counted(r, ds)
	return &named
}
