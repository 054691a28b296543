// Package evidence puts everything that is known about one request into one
// file that answers alone: what was asked in which words, who was shown it, who
// decided by which right, what was sent to the tenant and how it ended.
//
// Nothing in it has to be believed. The request is covered by the digest that
// everybody who voted has seen, and that digest is in the audit chain. People
// and sentences, which the chain names by pseudonyms and marks, come with the
// secrets that prove which they are. The chain is there from the request's
// first record on: the request's own records in full, everybody else's as links,
// which hold their place and tell nothing. The answers are made from all this
// by rules, and [Verify] makes them again. With a head of the chain that was
// kept elsewhere the file proves itself, without the database.
//
// Only what [File.Lookup] holds is not part of the chain: it was looked up in
// the tenant's own log when the file was made.
package evidence

import (
	"encoding/json"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

// File is the evidence about one request. Its fields are in the order in which
// somebody would read them.
type File struct {
	Version  int           `json:"evidence"` // of this form: 1
	Request  string        `json:"request"`  // R-ABC234
	Exported string        `json:"exported"` // when, RFC 3339
	Program  string        `json:"program"`  // which version of Twokey made it
	Head     Head          `json:"head"`     // what the chain ended with then
	Answers  Answers       `json:"answers"`
	Asked    *Asked        `json:"asked"` // nil if people were erased from it
	People   []Person      `json:"people"`
	Words    []audit.Aside `json:"words"`
	Lookup   []Lookup      `json:"directory_audit"`

	Records []audit.Record `json:"-"` // the part of the chain, written a line each
}

// Head is a head of the chain.
type Head struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"`
}

// Asked is the request as it was asked: exactly what its digest covers.
type Asked struct {
	Tenant      string             `json:"tenant"`
	TenantName  string             `json:"tenant_name"`
	Kind        string             `json:"kind"`
	KindVersion int                `json:"kind_version"`
	Args        string             `json:"args"` // JSON, as stored
	Targets     []approval.Target  `json:"targets"`
	Snapshot    string             `json:"snapshot"` // JSON, as stored: the tenant as it was then
	Words       approval.Words     `json:"words"`    // exactly what approvers were shown
	Reason      string             `json:"reason"`
	Requester   approval.Principal `json:"requester"`
	Warrant     approval.Warrant   `json:"warrant"`
	Policy      approval.Policy    `json:"policy"`
	ConfigHash  string             `json:"config_hash"`
	Created     time.Time          `json:"created"`
	Expires     time.Time          `json:"expires"`
	Digest      string             `json:"digest"`
}

func askedOf(r approval.Request) *Asked {
	return &Asked{
		Tenant: r.Tenant, TenantName: r.TenantName, Kind: r.Kind, KindVersion: r.KindVersion, Args: string(r.Args),
		Targets: r.Targets, Snapshot: string(r.Snapshot), Words: r.Words, Reason: r.Reason, Requester: r.Requester,
		Warrant: r.Warrant, Policy: r.Policy, ConfigHash: r.ConfigHash, Created: r.Created, Expires: r.Expires, Digest: r.Digest,
	}
}

// sum is the digest of what is in a.
func (a *Asked) sum() (string, error) {
	return approval.Request{
		Tenant: a.Tenant, TenantName: a.TenantName, Kind: a.Kind, KindVersion: a.KindVersion, Args: json.RawMessage(a.Args),
		Targets: a.Targets, Snapshot: json.RawMessage(a.Snapshot), Words: a.Words, Reason: a.Reason, Requester: a.Requester,
		Warrant: a.Warrant, Policy: a.Policy, ConfigHash: a.ConfigHash, Created: a.Created, Expires: a.Expires,
	}.Sum()
}

// Person is who is meant by a pseudonym. The secret proves it. What is not a
// person, such as a policy that was a target, has a pseudonym too.
type Person struct {
	Pseudonym string `json:"pseudonym"`
	Secret    string `json:"secret"`
	Tenant    string `json:"tenant"`
	Object    string `json:"object"` // object ID; of a chat account: its owner's, a space, and the account
}

// Lookup is what the tenant's directory audit log had about one call, when the
// file was made.
type Lookup struct {
	ClientRequestID string `json:"client_request_id"` // as it was sent with the call
	ID              string `json:"id"`                // of the line in Microsoft's log; empty if it was not found yet
	Note            string `json:"note,omitempty"`
}
