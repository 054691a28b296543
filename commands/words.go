package commands

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
)

// encode returns an address or account as the opaque text that is stored.
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("commands: encode %T: %v", v, err)) // strings only: cannot fail
	}
	return string(text)
}

// chatAccountOf reads an account that encode made.
func chatAccountOf(stored string) (a chat.Account, err error) {
	if err := json.Unmarshal([]byte(stored), &a); err != nil {
		return a, fmt.Errorf("read account: %w", err)
	}
	return a, nil
}

// canonical forgives how a person spells a request's reference. What a button
// carries has the digest behind a full stop, and stays as it is.
func canonical(typed string) string {
	typed = strings.Trim(typed, " .,“”\"'")
	if strings.Contains(typed, ".") {
		return typed
	}
	typed = strings.ToUpper(typed)
	if !strings.HasPrefix(typed, "R-") && len(typed) == 6 {
		typed = "R-" + typed
	}
	return typed
}

// quoted returns the tenant's own names and what people typed so that they can
// stand in a sentence of ours: between quotation marks, which nothing in them
// can end early, and on one line.
func quoted(s string, limit int) string {
	return chat.Field{Value: chat.Safe(s, limit), Quoted: true}.Shown()
}

// quotedNames joins names for people, the first few of them.
func quotedNames(all []string) string {
	some := make([]string, 0, namesShown+1)
	for i, name := range all {
		if i == namesShown {
			some = append(some, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		some = append(some, quoted(name, 60))
	}
	return strings.Join(some, ", ")
}

// namesShown is how many names a sentence lists.
const namesShown = 5

// plural returns a number with what it counts: "1 sign-in", "1,204 sign-ins".
func plural(number, what string) string {
	if number == "1" {
		return number + " " + what
	}
	return number + " " + what + "s"
}

// span returns a duration in words.
func span(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return plural(strconv.FormatInt(int64(d/time.Hour), 10), "hour")
	case d%time.Minute == 0:
		return plural(strconv.FormatInt(int64(d/time.Minute), 10), "minute")
	default:
		return plural(strconv.FormatFloat(d.Seconds(), 'f', -1, 64), "second")
	}
}

// today is the time in the organisation's zone: the guide's dated sentences
// change there at midnight.
func today(env Env) time.Time { return env.Now().In(env.Zone) }

func principal(env Env, object string) approval.Principal {
	return approval.Principal{Tenant: env.Organization.ID, Object: object}
}

// moment and clock show times in the organisation's zone. The zone is named,
// because an approver may be travelling. A clock's day is today unless it is said.
func moment(env Env, t time.Time) string { return t.In(env.Zone).Format("Mon 2 Jan 2006, 15:04 MST") }

func clock(env Env, t time.Time) string {
	t = t.In(env.Zone)
	if t.Format(time.DateOnly) != today(env).Format(time.DateOnly) {
		return t.Format("Mon 2 Jan 2006, 15:04:05 MST")
	}
	return t.Format("15:04:05 MST")
}

// stateWords says where a request stands.
func stateWords(env Env, r approval.Request) string {
	switch r.State {
	case approval.Pending:
		return "waits for approval until " + moment(env, r.Expires)
	case approval.Approved:
		if r.Policy.Collect > 0 {
			return "approved; can be collected until " + clock(env, r.StartBy)
		}
		return "approved; runs at " + clock(env, r.NotBefore)
	case approval.Executing:
		return "is running now"
	case approval.Reconciling:
		return "has run; its result is being looked up"
	case approval.Succeeded:
		return "done"
	case approval.Failed:
		return "failed; nothing was changed"
	case approval.Partial:
		if r.Policy.Collect > 0 {
			return "could not be handed over"
		}
		return "partly done"
	case approval.Denied:
		return "denied"
	case approval.Expired:
		return "expired"
	case approval.Cancelled:
		return "cancelled"
	case approval.Stale:
		return "stale, so it was not carried out"
	case approval.Unknown:
		return "ended; its result is not known"
	default:
		return string(r.State)
	}
}
