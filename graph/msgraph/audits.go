package msgraph

import (
	"context"
	"net/url"
	"strings"
	"time"

	"twokey/graph"
)

// Audits reads GET /auditLogs/directoryAudits, newest first.
func (c *Client) Audits(ctx context.Context, q graph.AuditQuery) ([]graph.Audit, error) {
	query := url.Values{"$top": {"1000"}}
	if filter := auditFilter(q); filter != "" {
		query.Set("$filter", filter)
	}
	return listing[graph.Audit]{
		op:    readAudits,
		first: c.url("/auditLogs/directoryAudits", query),
		row: func(d *decoder, a *graph.Audit) (bool, error) {
			keep, err := auditRow(d, a)
			// The filter speaks of whole seconds.
			return keep && !a.At.Before(q.Since) && (q.Until.IsZero() || !a.At.After(q.Until)), err
		},
	}.all(ctx, c)
}

// auditFilter asks for what the log can tell apart.
func auditFilter(q graph.AuditQuery) string {
	var all []string
	add := func(wanted bool, condition string) {
		if wanted {
			all = append(all, condition)
		}
	}
	add(!q.Since.IsZero(), "activityDateTime ge "+q.Since.UTC().Format(time.RFC3339))
	add(!q.Until.IsZero(), "activityDateTime le "+q.Until.UTC().Add(time.Second).Format(time.RFC3339))
	add(q.Service != "", "loggedByService eq "+literal(q.Service))
	add(q.Category != "", "category eq "+literal(q.Category))
	add(q.TargetID != "", "targetResources/any(t:t/id eq "+literal(q.TargetID)+")")
	add(q.AppID != "", "initiatedBy/app/appId eq "+literal(q.AppID))
	return strings.Join(all, " and ")
}

// literal writes a text for a filter.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// auditRow insists on how it ended and on what was changed: a log that leaves
// them out must not read as a success, or as a change of nothing.
func auditRow(d *decoder, a *graph.Audit) (keep bool, _ error) {
	var result string
	targets := false // were said
	err := d.object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			return d.text(&a.ID)
		case "activityDateTime":
			return d.moment(&a.At)
		case "activityDisplayName":
			return d.word(&a.Activity)
		case "category":
			return d.word(&a.Category)
		case "loggedByService":
			return d.word(&a.Service)
		case "operationType":
			return d.word(&a.Operation)
		case "result":
			return d.word(&result)
		case "correlationId":
			return d.text(&a.CorrelationID)
		case "initiatedBy":
			return d.initiator(a)
		case "targetResources":
			targets, err = d.targets(&a.Targets)
			return err
		default:
			return d.Skip()
		}
	})
	if err != nil {
		return false, err
	}
	a.Succeeded = strings.EqualFold(result, "success")
	return true, missing(told{"id", a.ID != ""}, told{"activityDateTime", !a.At.IsZero()}, told{"result", result != ""}, told{"targetResources", targets})
}

// initiator reads who did it: a person or an app, or nobody who is named.
func (d *decoder) initiator(a *graph.Audit) error {
	_, err := d.objectOrNull(func(kind []byte) error {
		var id, name *string
		var idMember, nameMember string
		switch string(kind) {
		case "user":
			id, name, idMember, nameMember = &a.ByUserID, &a.ByUPN, "id", "userPrincipalName"
		case "app":
			id, name, idMember, nameMember = &a.ByAppID, &a.ByApp, "appId", "displayName"
		default:
			return d.Skip()
		}
		_, err := d.objectOrNull(func(member []byte) error {
			switch string(member) {
			case idMember:
				return d.word(id)
			case nameMember:
				return d.word(name)
			default:
				return d.Skip()
			}
		})
		return err
	})
	return err
}

func (d *decoder) targets(into *[]graph.AuditTarget) (said bool, _ error) {
	if d.null() {
		return false, d.Null()
	}
	*into = []graph.AuditTarget{}
	return true, d.list(func() error {
		var t graph.AuditTarget
		err := d.object(func(name []byte) error {
			switch string(name) {
			case "id":
				return d.text(&t.ID)
			case "type":
				return d.word(&t.Type)
			case "displayName":
				return d.text(&t.Name)
			case "userPrincipalName":
				return d.text(&t.UPN)
			case "modifiedProperties":
				return d.changes(&t.Changes)
			default:
				return d.Skip()
			}
		})
		*into = append(*into, t)
		return err
	})
}

// changes reads the properties that an activity changed. Many have none.
func (d *decoder) changes(into *[]graph.AuditChange) error {
	if d.null() {
		return d.Null()
	}
	return d.list(func() error {
		var c graph.AuditChange
		err := d.object(func(name []byte) error {
			switch string(name) {
			case "displayName":
				return d.word(&c.Property)
			case "oldValue":
				return d.text(&c.Old)
			case "newValue":
				return d.text(&c.New)
			default:
				return d.Skip()
			}
		})
		*into = append(*into, c)
		return err
	})
}
