package simtenant

import (
	"iter"
	"net/http"
	"strings"
	"time"

	"twokey/graph"
)

// skus by which accounts are licensed.
const (
	skuBusinessBasic   = "3b555118-da6a-4418-894f-7df1e2096870"
	skuBusinessPremium = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
	skuPremiumP1       = "078d2b04-f1bd-4111-bbd4-b4b1b354cef4"
	skuPremiumP2       = "84a661c4-e949-4bd2-a560-ed7766fcaf2b"
)

var userSet = &set{
	typ: "microsoft.graph.user",
	known: words(`id deletedDateTime aboutMe accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo birthday
		businessPhones city companyName consentProvidedForMinor country createdDateTime creationType customSecurityAttributes
		department deviceEnrollmentLimit displayName employeeHireDate employeeId employeeLeaveDateTime employeeOrgData
		employeeType externalUserState externalUserStateChangeDateTime faxNumber givenName hireDate identities imAddresses
		interests isManagementRestricted isResourceAccount jobTitle lastPasswordChangeDateTime legalAgeGroupClassification
		licenseAssignmentStates mail mailboxSettings mailNickname mobilePhone mySite officeLocation onPremisesDistinguishedName
		onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime
		onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled
		onPremisesUserPrincipalName otherMails passwordPolicies passwordProfile pastProjects postalCode preferredDataLocation
		preferredLanguage preferredName print provisionedPlans proxyAddresses responsibilities schools securityIdentifier
		serviceProvisioningErrors showInAddressList signInActivity signInSessionsValidFromDateTime skills state streetAddress
		surname usageLocation userPrincipalName userType`),
	standard: words("businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname userPrincipalName id"),
	filters: map[string]ops{
		"id": eq | ne | in | negated, "userPrincipalName": eq | ne | in | order | starts | ends | negated,
		"mail": eq | ne | in | order | starts | ends | negated, "displayName": eq | ne | in | order | starts | negated,
		"givenName": eq | ne | in | starts | negated, "surname": eq | ne | in | starts | negated,
		"department": eq | ne | in | starts | negated, "jobTitle": eq | ne | in | starts | negated,
		"mailNickname": eq | ne | in | starts | negated, "userType": eq | ne | in | negated,
		"accountEnabled": eq | ne | in | negated | boolean, "onPremisesSyncEnabled": eq | ne | in | negated | boolean,
		"createdDateTime": eq | ne | order | negated | moment, "proxyAddresses": anyOf | size | negated,
		"otherMails": anyOf | size | negated, "assignedLicenses": size, "assignedLicenses/skuId": anyOf | negated,
	},
	directory: true,
	expand:    words("manager"),
	most:      100,
	all:       (*view).everyone,
	heavy:     map[string]int{"signInActivity": 500},
	top:       100, maxTop: 999,
}

// listProperties are those of a user that hold lists; nobody's is null.
var listProperties = map[string]bool{
	"assignedPlans": true, "identities": true, "imAddresses": true, "interests": true, "licenseAssignmentStates": true,
	"onPremisesProvisioningErrors": true, "pastProjects": true, "provisionedPlans": true, "responsibilities": true,
	"schools": true, "serviceProvisioningErrors": true, "skills": true,
}

func (a *account) prop(v *view, path string) any {
	switch path {
	case "id":
		return a.id
	case "displayName":
		return a.name
	case "givenName":
		return orNil(a.given)
	case "surname":
		return orNil(a.surname)
	case "userPrincipalName":
		return a.upn
	case "mail":
		return orNil(a.mail)
	case "mailNickname":
		if nick := a.reached().nickname; nick != "" {
			return nick
		}
		local, _, _ := strings.Cut(a.upn, "@")
		return strings.ReplaceAll(local, "#EXT#", "")
	case "department":
		return orNil(a.dept)
	case "jobTitle":
		return orNil(a.title)
	case "accountEnabled":
		return a.enabled()
	case "userType":
		if a.kind == guest {
			return "Guest"
		}
		return "Member"
	case "createdDateTime", "lastPasswordChangeDateTime":
		return a.created
	case "signInSessionsValidFromDateTime":
		if !a.validFrom.IsZero() {
			return a.validFrom
		}
		return a.created
	default:
		return a.rareProp(v, path)
	}
}

// rareProp are the properties that few ask for.
func (a *account) rareProp(v *view, path string) any {
	switch path {
	case "onPremisesSyncEnabled":
		if a.synced {
			return true
		}
		return nil
	case "onPremisesLastSyncDateTime":
		if a.synced {
			return v.now.Truncate(30 * time.Minute)
		}
		return nil
	case "assignedLicenses":
		if !a.licensed {
			return []any{}
		}
		return []any{document{"disabledPlans": []any{}, "skuId": v.t.world.staffSKU()}}
	case "proxyAddresses":
		if a.mail == "" {
			return []any{}
		}
		list := []any{"SMTP:" + a.mail}
		if !strings.EqualFold(a.mail, a.upn) && a.kind != guest {
			list = append(list, "smtp:"+a.upn)
		}
		return list
	case "externalUserState":
		if a.kind == guest {
			return "Accepted"
		}
		return nil
	case "creationType":
		if a.kind == guest {
			return "Invitation"
		}
		return nil
	case "mobilePhone":
		return orNil(a.reached().mobile)
	case "businessPhones":
		return orEmpty(a.reached().business)
	case "otherMails":
		return orEmpty(a.reached().others)
	case "preferredLanguage":
		return "en"
	case "usageLocation":
		return "NL"
	case "companyName":
		return organizationName
	case "signInActivity":
		return a.signInActivity(v)
	default:
		if listProperties[path] {
			return []any{}
		}
		return nil
	}
}

// signInActivity is when somebody was last seen: within days for most people,
// never for those who left long ago.
func (a *account) signInActivity(v *view) any {
	if a.kind == leaver || a.kind == emergency {
		return nil
	}
	r := stream(v.t.world.seed, "last seen "+a.id, int(v.now.Unix()/int64(day/time.Second)))
	last := v.now.Truncate(day).Add(-time.Duration(r.ExpFloat64() * 1.5 * float64(day))).Truncate(time.Second)
	return document{
		"lastSignInDateTime": stamp(last), "lastSignInRequestId": guid(r),
		"lastNonInteractiveSignInDateTime": stamp(last.Add(time.Hour)), "lastNonInteractiveSignInRequestId": guid(r),
		"lastSuccessfulSignInDateTime": stamp(last), "lastSuccessfulSignInRequestId": guid(r),
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (w *world) staffSKU() string {
	if w.licence == graph.Free {
		return skuBusinessBasic
	}
	return skuBusinessPremium
}

// mayReadUsers refuses signInActivity without a licence: asking for it fails
// the whole list.
func (c *call) mayReadUsers() error {
	if !strings.Contains(strings.ToLower(c.query.Get("$select")), "signinactivity") {
		return nil
	}
	if c.t.world.licence == graph.Free {
		return noLicence()
	}
	return nil
}

func listUsers(c *call) (*answer, error) {
	if err := c.mayReadUsers(); err != nil {
		return nil, err
	}
	o, err := c.options(userSet)
	if err != nil {
		return nil, err
	}
	rows := c.users(o.filter)
	if len(o.expanded) > 0 {
		rows = withManagers(rows, o.inner)
	}
	return c.page(userSet, o, "users", rows), nil
}

func countUsers(c *call) (*answer, error) {
	if !strings.EqualFold(c.header.Get("ConsistencyLevel"), "eventual") {
		return nil, refuse(http.StatusBadRequest, "Request_BadRequest", "$count is not currently supported.")
	}
	c.query.Set("$count", "true")
	o, err := c.options(userSet)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: itoa(countRows(userSet, &c.view, o.filter, c.users(o.filter)(cursor{})))}, nil
}

// everybody walks all users from the cursor on.
func (c *call) everybody(from cursor) iter.Seq2[cursor, entity] {
	return func(yield func(cursor, entity) bool) {
		for i, a := range c.view.accounts(int(from.at)) {
			if !yield(cursor{at: int64(i)}, a) {
				return
			}
		}
	}
}

func getUser(c *call) (*answer, error) {
	if err := c.mayReadUsers(); err != nil {
		return nil, err
	}
	_, a, err := c.user()
	if err != nil {
		return nil, err
	}
	return c.one(managerless, "users", a)
}

// managerless is a user read alone, whose manager is asked for by its own path.
var managerless = func() *set {
	s := *userSet
	s.expand = nil
	return &s
}()

// user is the account that the path names, by id or UPN.
func (c *call) user() (int, *account, error) {
	i, ok := c.view.find(c.vars[0])
	if !ok {
		return 0, nil, notFound(c.vars[0])
	}
	a, _ := c.view.account(i)
	return i, a, nil
}
