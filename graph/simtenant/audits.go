package simtenant

import (
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

// auditEntry is one line of the audit log: a document with its time.
type auditEntry struct {
	at  time.Time
	sub uint64 // tells entries of the same moment apart
	doc document
}

func (e *auditEntry) prop(v *view, path string) any {
	if path == "activityDateTime" {
		return e.at
	}
	return e.doc.prop(v, path)
}

// listAudits works on every licence; only the retention differs.
func listAudits(c *call) (*answer, error) {
	o, err := c.options(auditSet)
	if err != nil {
		return nil, err
	}
	entries := c.view.audits(c.view.retention())
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
// changes of policies, and people who registered security info.
func (v *view) audits(since time.Time) []auditEntry {
	var list []auditEntry
	add := func(e auditEntry) {
		if !e.at.Before(since) && !e.at.After(v.now) {
			list = append(list, e)
		}
	}
	for _, n := range v.notes {
		add(v.t.world.policyEntry(n))
	}
	for i := range v.t.world.accounts {
		a := &v.t.world.accounts[i]
		for k := range a.methods {
			m := &a.methods[k]
			if m.created.After(v.now) {
				break
			}
			if m.kind != graph.MethodPassword && !m.created.Before(since) {
				add(v.t.world.methodEntry(a, m, i, k))
			}
		}
	}
	return list
}

func (w *world) castAccount(id string) *account {
	for _, m := range Cast(w.seed) {
		if m.ID == id {
			return &w.accounts[w.byID[m.ObjectID]]
		}
	}
	return nil
}

// policyEntry is a change of a policy. The activity's name for security
// defaults is not known for sure.
func (w *world) policyEntry(n note) auditEntry {
	changed := document{"displayName": n.property, "oldValue": orNil(n.old), "newValue": orNil(n.new)}
	by := document{"user": nil, "app": document{"appId": n.app, "displayName": n.app, "servicePrincipalId": nil, "servicePrincipalName": nil}}
	if n.by != nil {
		by = document{"app": nil, "user": userInitiator(n.by)}
	}
	return auditEntry{at: n.at, sub: uint64(n.n), doc: document{
		"id": "Directory_" + guid(stream(w.seed, "policy audit "+n.targetID, n.n)), "activityDateTime": stampFine(n.at),
		"activityDisplayName": n.activity, "category": "Policy", "correlationId": orNil(n.request), "loggedByService": "Core Directory",
		"operationType": n.kind, "result": "success", "resultReason": "", "initiatedBy": by, "additionalDetails": []any{},
		"targetResources": []any{document{
			"id": n.targetID, "displayName": n.target, "type": "Policy", "userPrincipalName": nil, "groupType": nil, "modifiedProperties": []any{changed},
		}},
	}}
}

func (w *world) methodEntry(a *account, m *method, i, k int) auditEntry {
	activity := "User registered security info"
	by := document{"app": nil, "user": userInitiator(a)}
	if m.kind == graph.MethodTemporaryPass {
		activity = "Admin registered security info"
		by = document{"app": nil, "user": userInitiator(w.castAccount("ada"))}
	}
	sub := uint64(i)<<8 | uint64(k)
	return auditEntry{at: m.created, sub: sub | 1<<40, doc: document{
		"id": "Authentication Methods_" + guid(stream(w.seed, "method audit", int(sub))), "activityDateTime": stampFine(m.created),
		"activityDisplayName": activity, "category": "UserManagement", "correlationId": guid(stream(w.seed, "method correlation", int(sub))),
		"loggedByService": "Authentication Methods", "operationType": "Add", "result": "success",
		"resultReason": "User registered " + string(m.kind), "initiatedBy": by, "additionalDetails": []any{},
		"targetResources": []any{document{
			"id": a.id, "displayName": a.name, "type": "User", "userPrincipalName": a.upn, "groupType": nil, "modifiedProperties": []any{},
		}},
	}}
}

func userInitiator(a *account) document {
	return document{"id": a.id, "displayName": a.name, "userPrincipalName": strings.ToLower(a.upn), "ipAddress": nil}
}
