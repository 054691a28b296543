package simtenant

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// userField is a property of users that a write can set. Others exist in Graph;
// none of them matters to a rollout, and here they are refused.
type userField struct {
	name   string
	synced bool // kept on-premises where the account is synchronised
	// sensitive ones of an administrator need a directory role, see [call.mayActOn]
	sensitive bool
	check     check
	set       func(a *account, v any)
}

// contact is how somebody can be reached, as far as a write said so.
type contact struct {
	mobile   string
	business []any
	others   []any // addresses
	nickname string
}

var userFields = []userField{
	{name: "accountEnabled", sensitive: true, check: flag, set: func(a *account, v any) { a.off = !v.(bool) }},
	{name: "displayName", synced: true, check: filled, set: func(a *account, v any) { a.name = v.(string) }},
	{name: "userPrincipalName", synced: true, sensitive: true, check: signInName, set: func(a *account, v any) { a.upn = v.(string) }},
	{name: "mail", synced: true, check: address, set: func(a *account, v any) { a.mail, _ = v.(string) }},
	{name: "department", synced: true, check: text, set: func(a *account, v any) { a.dept, _ = v.(string) }},
	{name: "jobTitle", synced: true, check: text, set: func(a *account, v any) { a.title, _ = v.(string) }},
	{name: "givenName", synced: true, check: text, set: func(a *account, v any) { a.given, _ = v.(string) }},
	{name: "surname", synced: true, check: text, set: func(a *account, v any) { a.surname, _ = v.(string) }},
	{name: "mobilePhone", synced: true, sensitive: true, check: text, set: func(a *account, v any) { a.reach().mobile, _ = v.(string) }},
	{name: "businessPhones", synced: true, sensitive: true, check: listOf(filled), set: func(a *account, v any) { a.reach().business, _ = v.([]any) }},
	{name: "otherMails", sensitive: true, check: listOf(address), set: func(a *account, v any) { a.reach().others, _ = v.([]any) }},
	{name: "mailNickname", check: filled, set: func(a *account, v any) { a.reach().nickname = v.(string) }},
}

// reach is the account's own contact, to be modified.
func (a *account) reach() *contact {
	next := contact{}
	if a.contact != nil {
		next = *a.contact
	}
	a.contact = &next
	return &next
}

// reached is the contact, to be read.
func (a *account) reached() contact {
	if a.contact == nil {
		return contact{}
	}
	return *a.contact
}

// filled is a text that says something.
func filled(path string, v any) string {
	if s, ok := v.(string); !ok || strings.TrimSpace(s) == "" {
		return wrongType(path, v, "a text")
	}
	return ""
}

// address is an e-mail address, or null.
func address(path string, v any) string {
	if v == nil {
		return ""
	}
	if s, _ := v.(string); !isAddress(s) {
		return wrongType(path, v, "an address")
	}
	return ""
}

func isAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(s, " \t\r\n<>,;") && !strings.Contains(domain, "@")
}

// signInName is a UPN in a domain of the organisation.
func signInName(path string, v any) string {
	s, _ := v.(string)
	if !isAddress(s) {
		return "Property " + path + " is invalid."
	}
	_, domain, _ := strings.Cut(s, "@")
	if !slices.ContainsFunc([]string{defaultDomain, initialDomain}, func(d string) bool { return strings.EqualFold(d, domain) }) {
		return "The domain portion of the " + path + " property is invalid. You must use one of the verified domain names in your organization."
	}
	return ""
}

// userChange is what a body wants of a user.
type userChange struct {
	fields []*userField
	values document
}

// userChange reads a body, in the order of the fields. Properties besides
// these are for its caller to have taken out.
func (c *call) userChange(d document) (userChange, error) {
	s := shape{}
	for i := range userFields {
		s[userFields[i].name] = userFields[i].check
	}
	for name := range d {
		if _, known := s[name]; !known && slices.Contains(userSet.known, name) {
			return userChange{}, badUser(fmt.Sprintf("Property '%s' is read-only and cannot be set.", name))
		}
	}
	if wrong := s.check("", d); wrong != "" {
		return userChange{}, badUser(wrong)
	}
	u := userChange{values: d}
	for i := range userFields {
		if _, asked := d[userFields[i].name]; asked {
			u.fields = append(u.fields, &userFields[i])
		}
	}
	return u, nil
}

func (u *userChange) any(is func(*userField) bool) bool { return slices.ContainsFunc(u.fields, is) }

// unique refuses a name or an address that another account has.
func (u *userChange) unique(d *draft, who int) error {
	for _, property := range []string{"userPrincipalName", "mail"} {
		s, asked := u.values[property].(string)
		if !asked {
			continue
		}
		others, _ := d.bearers([]any{s})
		for _, i := range others {
			a, there := d.account(i)
			if i != who && there && (strings.EqualFold(a.upn, s) || strings.EqualFold(a.mail, s)) {
				return badUser("Another object with the same value for property " + property + " already exists.")
			}
		}
	}
	return nil
}

func badUser(message string) *refusal {
	return refuse(http.StatusBadRequest, "Request_BadRequest", message)
}
