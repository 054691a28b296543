package config

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"twokey/commands/rules"
)

// Find returns the object ID of the account with a user principal name.
type Find func(ctx context.Context, upn string) (objectID string, err error)

// Rules makes the owner's rules for a tenant, with names resolved: rights go by
// object ID, because a name can pass to somebody else. The error tells every
// name that could not be found.
func (c *Config) Rules(ctx context.Context, t Tenant, find Find) (rules.Rules, error) {
	p := &people{ctx: ctx, find: find, found: map[string]string{}}
	a := c.Approvals
	r := rules.Rules{
		Tenant:    t.ID,
		Roles:     map[string][]rules.Holder{},
		Links:     p.links(t.People, c.Discord),
		Backups:   p.ids("approvals.backups", a.Backups),
		Protected: slices.Concat(p.ids("protected", t.Protected), p.ids("emergency", t.Emergency)),
		Emergency: p.ids("emergency", t.Emergency),
		Changes:   c.Changes,
		Approvals: map[string]rules.Approval{},
		Wait:      a.Wait, Many: a.Many, PerRequest: a.PerRequest, PerHour: a.PerHour,
		Solo: a.Solo, StepUp: a.StepUp, AcceptNoStepUp: a.AcceptNoStepUp, Personal: c.personal(), AcceptLockout: a.AcceptLockout, Fallback: a.Fallback,
		ManagerApproves: a.Manager, AdminsTwo: a.Admins == adminsTwo,
		MinAdmins: a.MinAdmins, MinEmergency: a.MinEmergency,
		HeadTo: places(c.Audit.HeadTo), Contact: t.Contact, SecurityContact: t.SecurityContact,
		Addresses: c.addresses(t),
	}
	for _, role := range Roles {
		r.Roles[role] = p.holders("roles."+role, t.Roles[role])
	}
	for kind, policy := range a.Policies {
		r.Approvals[kind] = rules.Approval{
			Policy: policy.Policy, Wait: policy.Wait, Approvers: p.ids("approvals.policies."+kind+".approvers", policy.Approvers),
		}
	}
	if err := errors.Join(p.wrong...); err != nil {
		return rules.Rules{}, err
	}
	return r.Normal(), nil
}

// personal are the platforms whose accounts are people's own. A test server on
// this machine has nobody's.
func (c *Config) personal() []string {
	if c.Discord == nil || loopbackURL(c.Discord.APIURL) {
		return nil
	}
	return []string{"discord"}
}

// addresses are those that something is sent to, or that people are sent to.
func (c *Config) addresses(t Tenant) map[string]string {
	all := map[string]string{
		"graph.base_url": t.Graph.BaseURL, "graph.authority_url": t.Graph.AuthorityURL, "web.public_url": c.Web.PublicURL,
	}
	if s := c.Web.SignIn; s != nil {
		all["web.sign_in"] = strings.TrimSpace(s.ClientID + " " + s.Context) // whose word for a person's identity is taken, and for what
	}
	if t.MailFrom != "" {
		all["mail_from"] = t.MailFrom
	}
	if c.Slack != nil {
		all["slack.api_url"] = c.Slack.APIURL
	}
	if c.Discord != nil {
		all["discord.api_url"] = c.Discord.APIURL
	}
	return all
}

// people resolves names, each once.
type people struct {
	ctx   context.Context
	find  Find
	found map[string]string
	wrong []error
}

// id returns the object ID of an account that is named at key, empty if it
// cannot be found.
func (p *people) id(key, name string) string {
	if objectID.MatchString(name) {
		return name
	}
	if id, known := p.found[name]; known {
		return id
	}
	id, err := p.find(p.ctx, name)
	if err != nil {
		p.wrong = append(p.wrong, fmt.Errorf("%s: find %s: %w", key, shown(name), err))
	}
	p.found[name] = id
	return id
}

func (p *people) ids(key string, names []string) []string {
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = p.id(key, name)
	}
	return ids
}

func (p *people) holders(key string, h Holders) []rules.Holder {
	var all []rules.Holder
	for _, id := range p.ids(key+".users", h.Users) {
		all = append(all, rules.Holder{User: id})
	}
	for _, id := range h.Groups {
		all = append(all, rules.Holder{Group: id})
	}
	return all
}

// links are the pins, by account as platform/workspace/user.
func (p *people) links(pins []Person, d *Discord) map[string]string {
	links := map[string]string{}
	for _, pin := range pins {
		id := p.id("people", pin.User)
		for _, account := range pin.Slack {
			links["slack/"+account] = id
		}
		for _, user := range pin.Discord {
			links["discord/"+d.Guild+"/"+user] = id
		}
	}
	return links
}

// places are where heads go, as they may be kept and told: a web address may
// have a key in it, of which a sum stands here, so that another is noticed.
func places(to []string) (all []string) {
	for _, place := range to {
		if u, err := url.Parse(place); err == nil && u.Host != "" {
			sum := sha256.Sum256([]byte(place))
			place = fmt.Sprintf("%s://%s #%x", u.Scheme, u.Host, sum[:4])
		}
		all = append(all, place)
	}
	return all
}
