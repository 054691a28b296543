package commands

import (
	"context"
	"fmt"
	"slices"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph/rollout"
)

// Declarations keeps what people have declared of accounts, and whom somebody
// has looked up.
type Declarations interface {
	// Declared lists what was declared and still holds.
	Declared(ctx context.Context, tenant string) ([]rollout.Declaration, error)
	// LookUp stores that people, by object ID, were looked up by somebody, and in
	// the same transaction what tell stores. Tell is given how many different
	// people that somebody has looked up within the last hour, before these and
	// with them.
	LookUp(ctx context.Context, by approval.Principal, people []string, tell func(tx approval.Tx, before, with int) error) error
}

// lookUpLimit is how many people somebody may look up within an hour before
// others are told of it: more than a help desk needs in one.
const lookUpLimit = 30

// lookedUp records that the speaker is about to be shown people by name; what
// cannot be recorded is not shown. How says by which command.
func lookedUp(ctx context.Context, env Env, c Call, how string, people []string) error {
	if c.Who.Principal == (approval.Principal{}) {
		return unproven(c.Who)
	}
	if len(people) == 0 {
		return nil
	}
	with := 0
	err := env.Declarations.LookUp(ctx, c.Who.Principal, people, func(tx approval.Tx, _, n int) error {
		with = n
		return recordLookUp(tx, c, how, people)
	})
	if err != nil {
		return fmt.Errorf("record look-up: %w", err)
	}
	if with <= lookUpLimit {
		return nil
	}
	return tellOfLookUps(ctx, env, c, with)
}

// lookUpsKey is by what it is told once an hour that somebody looks many up.
func lookUpsKey(who approval.Principal, now time.Time) string {
	return fmt.Sprintf("looked-up/%s/%s/%s", who.Tenant, who.Object, now.UTC().Truncate(time.Hour).Format("2006-01-02T15"))
}

func recordLookUp(tx approval.Tx, c Call, how string, people []string) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	who := c.Who.Principal
	actor, err := tx.Alias(who.Tenant, who.Object, c.Who.User.Name)
	if err != nil {
		return err
	}
	facts := map[string]any{"how": how, "people": len(people)}
	c.Fresh.Note(facts)
	if len(people) == 1 {
		if facts["whom"], err = tx.Alias(who.Tenant, people[0], ""); err != nil {
			return err
		}
	}
	return tx.Record(audit.Entry{At: now, Tenant: who.Tenant, Kind: "person.looked-up", Actor: actor, Facts: facts})
}

// tellOfLookUps tells everybody who decides, and whoever looks after security,
// that somebody has looked up many people, once an hour for the same person.
//
// The store keeps it from being told twice; that this process has told it spares
// the reading of whom to tell, for which somebody waits.
func tellOfLookUps(ctx context.Context, env Env, c Call, n int) (err error) {
	who := c.Who.Principal
	if key := lookUpsKey(who, env.Now()); env.told != nil {
		if !env.told.pass(key, env.Now()) {
			return nil
		}
		defer func() {
			if err != nil {
				env.told.forget(key)
			}
		}()
	}
	env.People = env.People.Once()                 // both lists have nearly the same people
	to, _ := Everyone(env.People, env.Admins)(ctx) // if not all can be found, whoever is known
	for _, address := range alarmed(ctx, env) {
		if !slices.Contains(to, address) {
			to = append(to, address)
		}
	}
	text := "The audit record says by which commands (“/mfa audit”). If you did not expect it, ask them, in person or by a call. An owner can take their role away."
	if contact := env.Rules.Now().SecurityContact; contact != "" {
		text += " Tell whoever answers for security: " + quoted(contact, 120) + "."
	}
	return env.Requests.Update(ctx, func(tx approval.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		return approval.Announce(tx, lookUpsKey(who, now), to, fmt.Sprintf("%s has looked up %d people within an hour.", quoted(c.Who.User.Name, 60), n), text)
	})
}

// idsOf are the object IDs of people.
func idsOf(people []rollout.Person) []string {
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	return ids
}

// lookalike warns of a name that may look like another, or is "".
func lookalike(names ...string) string {
	for _, name := range names {
		if chat.MixedScripts(name) {
			return "The name mixes letters of several scripts, and may only look like another one: go by the object ID."
		}
	}
	return ""
}
