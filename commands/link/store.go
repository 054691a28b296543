package link

import (
	"context"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
)

// Store keeps links, visits, proofs and keys.
type Store interface {
	// UpdateLinks runs f in one write transaction, as approval.Store.Update does.
	UpdateLinks(ctx context.Context, f func(Tx) error) error
	// ViewLinks runs f in one read transaction. Its Tx may not be written to.
	ViewLinks(ctx context.Context, f func(Tx) error) error
}

// Tx is one transaction. Records and messages are stored in it as well.
type Tx interface {
	approval.Tx

	// Link returns the link of an account, or that of a reference in the tenant;
	// the zero link if there is none, and also one that has ended.
	Link(tenant string, a chat.Account) (Link, error)
	LinkByRef(tenant, ref string) (Link, error)
	// LinksOf lists the links of a person, oldest first, those that have ended
	// among them.
	LinksOf(tenant, object string) ([]Link, error)
	// SaveLink stores a link in place of an earlier one of its account.
	SaveLink(l Link) error
	// DropLink removes the link of an account, and what was proved by it.
	DropLink(tenant string, a chat.Account) error

	// Visit returns the visit of a token or a ticket, by its sum; the zero visit
	// if there is none.
	Visit(sum string) (Visit, error)
	// VisitsOf lists the visits of an account that were asked at since or later,
	// oldest first.
	VisitsOf(tenant string, a chat.Account, since time.Time) ([]Visit, error)
	// SaveVisit stores a visit in place of what was stored of it, and forgets all
	// that were asked more than [Lately] ago and can count no more.
	SaveVisit(v Visit) error

	// Proof returns what was proved last by an account, its zero value if nothing.
	Proof(tenant string, a chat.Account) (Proof, error)
	// SaveProof stores it in place of what was proved before.
	SaveProof(p Proof) error

	// Key returns the passkey of an ID, or that of a reference; the zero key if
	// there is none.
	Key(tenant, id string) (Key, error)
	KeyByRef(tenant, ref string) (Key, error)
	// KeysOf lists a person's passkeys, oldest first.
	KeysOf(tenant, object string) ([]Key, error)
	// SaveKey stores a passkey in place of what was stored of it.
	SaveKey(k Key) error
	// DropKey removes a passkey.
	DropKey(tenant, id string) error
}
