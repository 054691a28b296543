package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/graph"
)

// Suggestion is what a directory goes by to guess whose an account is that nobody
// has linked. Without one of its functions nothing is guessed.
type Suggestion struct {
	// Mail returns the e-mail address that the chat platform has confirmed for a
	// full member, "" if there is none or the account is anybody else's.
	Mail func(ctx context.Context, a chat.Account) (string, error)
	// Find returns whom the tenant knows by an address, as [graph.Reader] promises.
	Find func(ctx context.Context, typed string) ([]graph.User, error)
}

const proofSuggested = "suggested by the e-mail address of the chat account"

// suggested completes the speaker of an account that is not linked, if its e-mail
// address is that of exactly one person who can sign in. Whoever manages the chat
// could have changed that address, so it is worth the person's own private answers
// and nothing else: there is no principal and no role. Nothing of it is kept, so
// that an address that changes moves no link.
func (d *Directory) suggested(ctx context.Context, s Speaker) (Speaker, error) {
	if d.cfg.Suggest.Mail == nil || d.cfg.Suggest.Find == nil {
		return s, nil
	}
	address, err := d.cfg.Suggest.Mail(ctx, s.Account)
	if err != nil {
		return s, fmt.Errorf("read the account's e-mail address: %w", err)
	}
	if address == "" {
		return s, nil
	}
	found, err := d.cfg.Suggest.Find(ctx, address)
	if err != nil {
		return s, fmt.Errorf("find the account's e-mail address: %w", err)
	}
	found = slices.DeleteFunc(found, func(u graph.User) bool { return !hasAddress(u, address) })
	if len(found) != 1 || found[0].Guest || !found[0].Enabled {
		return s, nil
	}
	u, err := d.user(ctx, found[0].ID)
	switch {
	case errors.Is(err, errGone) || err == nil && (u.Guest || !hasAddress(u, address)):
		return s, nil
	case err != nil:
		return s, fmt.Errorf("read speaker: %w", err)
	}
	s.Linked, s.Suggested, s.User, s.Object, s.Proof = true, true, u, u.ID, proofSuggested
	return s, nil
}

// hasAddress reports whether an address is the person's sign-in name, or their main
// mail address in the domain of that, which the tenant has verified.
func hasAddress(u graph.User, address string) bool {
	if strings.EqualFold(u.UPN, address) {
		return true
	}
	_, of, _ := strings.Cut(address, "@")
	_, verified, _ := strings.Cut(u.UPN, "@")
	return strings.EqualFold(u.Mail, address) && strings.EqualFold(of, verified)
}
