package msgraph

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"twokey/graph"
)

// The SDK's models and Graph's JSON end in this file. Their members are
// pointers, and nil is "not said": where we need the value it is an error, and
// never the zero value, which would be a "no" that nobody said.

// Entra ID's service plans (Microsoft's table of product names and plans).
const (
	planP1 = "41781fb2-bc02-4b7c-bd55-b576c07bb09d"
	planP2 = "eec0eb4f-6444-4f95-aba0-50c24d67f998"
)

// errMissing is the error of a member that is null or not there.
func errMissing(member string) error { return fmt.Errorf("%s is missing", member) }

// need returns the value of a member that must be there.
func need[T comparable](member string, v *T) (T, error) {
	var zero T
	if v == nil {
		return zero, errMissing(member)
	}
	if _, isText := any(zero).(string); isText && *v == zero {
		return zero, errMissing(member)
	}
	return *v, nil
}

// or returns the value of a member that may be absent.
func or[T any](v *T, absent T) T {
	if v == nil {
		return absent
	}
	return *v
}

// isNil sees through an interface to a nil pointer: the SDK returns both.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// convertAll converts the items of a list. What has no list has no empty list.
func convertAll[I, R any](items []I, convert func(I) (R, error)) ([]R, error) {
	if items == nil {
		return nil, errMissing("value")
	}
	all := make([]R, 0, len(items))
	for i, item := range items {
		if isNil(item) {
			return nil, errMissing(fmt.Sprintf("value[%d]", i))
		}
		r, err := convert(item)
		if err != nil {
			return nil, fmt.Errorf("value[%d]: %w", i, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func toOrganization(p models.OrganizationCollectionResponseable) (graph.Organization, error) {
	if isNil(p) || len(p.GetValue()) != 1 || isNil(p.GetValue()[0]) {
		return graph.Organization{}, errors.New("want one organization")
	}
	o := p.GetValue()[0]
	id, err := need("id", o.GetId())
	if err != nil {
		return graph.Organization{}, err
	}
	org := graph.Organization{ID: id, Name: or(o.GetDisplayName(), "")}
	for _, d := range o.GetVerifiedDomains() {
		if !isNil(d) && or(d.GetIsDefault(), false) {
			org.DefaultDomain = or(d.GetName(), "")
		}
	}
	return org, nil
}

func toLicence(p models.SubscribedSkuCollectionResponseable) (graph.Licence, error) {
	if isNil(p) {
		return graph.LicenceUnknown, errMissing("page")
	}
	each, err := convertAll(p.GetValue(), skuLicence)
	best := graph.Free
	for _, l := range each {
		best = max(best, l)
	}
	if err != nil {
		return graph.LicenceUnknown, err
	}
	return best, nil
}

// skuLicence is what one subscription gives: a plan of a subscription that is
// bought, or lapsed and still in grace.
func skuLicence(sku models.SubscribedSkuable) (graph.Licence, error) {
	plans, err := convertAll(sku.GetServicePlans(), planLicence)
	if err != nil {
		return graph.LicenceUnknown, err
	}
	best := graph.Free
	for _, l := range plans {
		best = max(best, l)
	}
	if best == graph.Free {
		return graph.Free, nil
	}
	status, err := need("capabilityStatus", sku.GetCapabilityStatus())
	if err != nil {
		return graph.LicenceUnknown, err
	}
	if strings.EqualFold(status, "Enabled") || strings.EqualFold(status, "Warning") {
		return best, nil
	}
	return graph.Free, nil
}

func planLicence(p models.ServicePlanInfoable) (graph.Licence, error) {
	id := p.GetServicePlanId()
	if id == nil {
		return graph.LicenceUnknown, errMissing("servicePlanId")
	}
	switch id.String() {
	case planP2:
		return graph.P2, nil
	case planP1:
		return graph.P1, nil
	default:
		return graph.Free, nil
	}
}

func toSecurityDefaults(p models.IdentitySecurityDefaultsEnforcementPolicyable) (graph.SecurityDefaults, error) {
	if isNil(p) {
		return graph.SecurityDefaults{}, errMissing("policy")
	}
	enabled, err := need("isEnabled", p.GetIsEnabled())
	return graph.SecurityDefaults{Enabled: enabled}, err
}

type roleDefinition struct {
	id   string
	role graph.Role
}

// roleItem is a role definition, or an assignment of one, in Graph's JSON.
type roleItem struct {
	ID          *string `json:"id"`
	TemplateID  *string `json:"templateId"`
	DisplayName *string `json:"displayName"`

	RoleID      *string `json:"roleDefinitionId"`
	PrincipalID *string `json:"principalId"`
	Principal   *struct {
		Type *string `json:"@odata.type"`
	} `json:"principal"`
}

func toRoleDefinition(d roleItem) (roleDefinition, error) {
	id, err := need("id", d.ID)
	if err != nil {
		return roleDefinition{}, err
	}
	return roleDefinition{id, graph.Role{TemplateID: or(d.TemplateID, id), Name: or(d.DisplayName, "")}}, nil
}

type principalKind int

const (
	otherPrincipal principalKind = iota // an application: no account
	userPrincipal
	groupPrincipal
	gonePrincipal // deleted, or of another tenant
)

type roleAssignment struct {
	roleID      string
	principalID string
	principal   principalKind
}

// toRoleAssignment insists on the principal's type: without it a group would
// be passed over, and its members would count as ordinary people. Where the
// principal itself is null there is nobody any more.
func toRoleAssignment(a roleItem) (roleAssignment, error) {
	roleID, noRole := need("roleDefinitionId", a.RoleID)
	principalID, noPrincipal := need("principalId", a.PrincipalID)
	if err := errors.Join(noRole, noPrincipal); err != nil {
		return roleAssignment{}, err
	}
	if a.Principal == nil {
		return roleAssignment{roleID: roleID, principalID: principalID, principal: gonePrincipal}, nil
	}
	kind, err := need("principal's @odata.type", a.Principal.Type)
	if err != nil {
		return roleAssignment{}, err
	}
	r := roleAssignment{roleID: roleID, principalID: principalID}
	switch kind {
	case "#microsoft.graph.user":
		r.principal = userPrincipal
	case "#microsoft.graph.group":
		r.principal = groupPrincipal
	}
	return r, nil
}

// methodList is the answer of /users/{id}/authentication/methods in Graph's
// JSON, as it stands in a batch.
type methodList struct {
	Value []methodItem `json:"value"`
	Next  *string      `json:"@odata.nextLink"`
}

type methodItem struct {
	Type      *string    `json:"@odata.type"`
	ID        *string    `json:"id"`
	Created   *time.Time `json:"createdDateTime"`
	Name      *string    `json:"displayName"`
	Model     *string    `json:"model"`
	PhoneType *string    `json:"phoneType"`
}

func toMethods(body []byte) ([]graph.Method, error) {
	var l methodList
	if err := json.Unmarshal(body, &l); err != nil {
		return nil, err
	}
	if l.Next != nil {
		return nil, errors.New("more than one page")
	}
	return convertAll(l.Value, toMethod)
}

// toMethod keeps a type that it does not know under Graph's name for it. A
// phone's label is its type; numbers stay in the tenant.
func toMethod(m methodItem) (graph.Method, error) {
	kind, noType := need("@odata.type", m.Type)
	id, noID := need("id", m.ID)
	if err := errors.Join(noType, noID); err != nil {
		return graph.Method{}, err
	}
	kind = strings.TrimSuffix(strings.TrimPrefix(kind, "#microsoft.graph."), "AuthenticationMethod")
	return graph.Method{
		ID:      id,
		Kind:    graph.MethodKind(kind),
		Label:   or(m.Name, or(m.PhoneType, or(m.Model, ""))),
		Created: or(m.Created, time.Time{}).UTC(),
	}, nil
}

// toPerUserMFA keeps a state that it does not know as it came.
func toPerUserMFA(body []byte) (graph.PerUserMFA, error) {
	var r struct {
		State *string `json:"perUserMfaState"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return "", err
	}
	state, err := need("perUserMfaState", r.State)
	return graph.PerUserMFA(state), err
}
