package simtenant

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

var auditSet = &set{
	typ: "microsoft.graph.directoryAudit",
	known: words(`id activityDateTime activityDisplayName category correlationId initiatedBy loggedByService operationType
		result resultReason targetResources additionalDetails`),
	filters: map[string]ops{
		"activityDateTime": eq | order | moment, "activityDisplayName": eq | starts, "loggedByService": eq, "category": eq,
		"result": eq, "correlationId": eq, "initiatedBy/user/id": eq, "initiatedBy/user/userPrincipalName": eq | starts,
		"initiatedBy/app/appId": eq, "initiatedBy/app/displayName": eq, "targetResources/id": anyOf, "targetResources/displayName": anyOf,
	},
	orderBy: "activityDateTime",
	top:     1000, maxTop: 1000,
}

// auditEntry is one line of the audit log. Its document is made when somebody
// looks at it: a log of a month is long, and a page of it is not.
type auditEntry struct {
	at   time.Time
	sub  uint64   // tells entries of the same moment apart
	note *note    // of a change …
	plan *planned // … or of a method that somebody registered
	doc  document
}

func (e *auditEntry) prop(v *view, path string) any {
	if path == "activityDateTime" {
		return e.at
	}
	if e.doc == nil {
		if e.note != nil {
			e.doc = v.noteEntry(e.note)
		} else {
			e.doc = v.planEntry(e.plan, e.sub)
		}
	}
	return e.doc.prop(v, path)
}

// listAudits works on every licence; only the retention differs.
func listAudits(c *call) (*answer, error) {
	o, err := c.options(auditSet)
	if err != nil {
		return nil, err
	}
	since := c.view.retention()
	if asked := o.filter.since("activityDateTime"); asked.After(since) {
		since = asked
	}
	entries := c.view.audits(since)
	direction := -1
	if o.oldFirst {
		direction = 1
	}
	slices.SortFunc(entries, func(a, b auditEntry) int { return direction * compareEntries(a, b) })
	return c.page(auditSet, o, "auditLogs/directoryAudits", func(from cursor) iter.Seq2[cursor, entity] {
		start := auditEntry{at: time.Unix(0, from.at).UTC(), sub: from.sub}
		return func(yield func(cursor, entity) bool) {
			for i := range entries {
				if from != (cursor{}) && direction*compareEntries(entries[i], start) < 0 {
					continue
				}
				if !yield(cursor{entries[i].at.UnixNano(), entries[i].sub}, &entries[i]) {
					return
				}
			}
		}
	}), nil
}

func compareEntries(a, b auditEntry) int {
	if d := a.at.Compare(b.at); d != 0 {
		return d
	}
	switch {
	case a.sub < b.sub:
		return -1
	case a.sub > b.sub:
		return 1
	default:
		return 0
	}
}

// audits collects what the log says between a moment and the view's own: the
// changes that were made, and people who registered security info.
func (v *view) audits(since time.Time) []auditEntry {
	var list []auditEntry
	for i := range v.notes {
		if n := &v.notes[i]; !n.at.Before(since) && !n.at.After(v.now) {
			list = append(list, auditEntry{at: n.at, sub: uint64(i), note: n})
		}
	}
	for p := range v.t.world.people.registrations(since, v.now) {
		if v.happened(&p) {
			list = append(list, auditEntry{at: p.at, sub: uint64(p.i)<<8 | uint64(p.k) | 1<<40, plan: &p})
		}
	}
	return list
}

// happened reports whether a planned method came to be: neither had its owner
// gone by then, nor had somebody else's doing taken its place.
func (v *view) happened(p *planned) bool {
	if _, touched := v.t.roster.last(p.i, v.changes); !touched {
		return true
	}
	a, there := v.accountAt(p.i, p.at)
	made := v.t.world.people.account(p.i)
	if !there || a == made {
		return there
	}
	return slices.ContainsFunc(a.methods, func(m method) bool {
		return m.id == made.methods[p.k].id && m.created.Equal(p.at)
	})
}

func (w *world) castAccount(id string) *account {
	for _, m := range Cast(w.seed) {
		if m.ID == id {
			i, _ := w.people.byID(m.ObjectID)
			return w.people.account(i)
		}
	}
	return nil
}

// The services that write to the log.
const (
	coreDirectory = "Core Directory"
	methodService = graph.ServiceMethods
)

// noteEntry is a change that was made. The activity's name for security
// defaults is not known for sure.
func (v *view) noteEntry(n *note) document {
	w := v.t.world
	by := document{"user": nil, "app": v.appInitiator(n.app)}
	if n.by != nil {
		by = document{"app": nil, "user": userInitiator(n.by)}
	}
	service, changed := cmp.Or(n.service, coreDirectory), []any{}
	if n.property != "" {
		changed = append(changed, document{"displayName": n.property, "oldValue": orNil(n.old), "newValue": orNil(n.new)})
	}
	id := "Directory_" + guid(stream(w.seed, "policy audit "+n.targetID, n.n))
	if n.category != "" {
		id = service + "_" + guid(stream(w.seed, "audit "+n.activity+n.property+n.targetID, n.n))
	}
	return document{
		"id":               id,
		"activityDateTime": stampFine(n.at), "activityDisplayName": n.activity, "category": cmp.Or(n.category, "Policy"),
		"correlationId": orNil(n.request), "loggedByService": service, "operationType": n.kind, "result": "success",
		"resultReason": n.reason, "initiatedBy": by, "additionalDetails": []any{},
		"targetResources": []any{document{
			"id": orNil(n.targetID), "displayName": n.target, "type": cmp.Or(n.targetType, "Policy"), "userPrincipalName": orNil(n.targetUPN),
			"groupType": nil, "modifiedProperties": changed,
		}},
	}
}

// planEntry is somebody who registered a method without anybody's doing.
func (v *view) planEntry(p *planned, sub uint64) document {
	w, a := v.t.world, v.t.world.people.account(p.i)
	m := &a.methods[p.k]
	activity := "User registered security info"
	by := document{"app": nil, "user": userInitiator(a)}
	if m.kind == graph.MethodTemporaryPass {
		activity = "Admin registered security info"
		by = document{"app": nil, "user": userInitiator(w.castAccount("ada"))}
	}
	n := int(sub &^ (1 << 40))
	return document{
		"id": "Authentication Methods_" + guid(stream(w.seed, "method audit", n)), "activityDateTime": stampFine(m.created),
		"activityDisplayName": activity, "category": "UserManagement", "correlationId": guid(stream(w.seed, "method correlation", n)),
		"loggedByService": methodService, "operationType": "Add", "result": "success",
		"resultReason": "User registered " + string(m.kind), "initiatedBy": by, "additionalDetails": []any{},
		"targetResources": []any{document{
			"id": a.id, "displayName": a.name, "type": "User", "userPrincipalName": a.upn, "groupType": nil, "modifiedProperties": []any{},
		}},
	}
}

func userInitiator(a *account) document {
	return document{"id": a.id, "displayName": a.name, "userPrincipalName": strings.ToLower(a.upn), "ipAddress": nil}
}

// appInitiator shows an app by its name, where it has one.
func (v *view) appInitiator(id string) document {
	d := document{"appId": id, "displayName": id, "servicePrincipalId": nil, "servicePrincipalName": nil}
	if a, ok := v.state.app(id); ok {
		d["displayName"], d["servicePrincipalId"] = a.Name, a.principalID
	}
	return d
}
