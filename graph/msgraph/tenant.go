package msgraph

import (
	"context"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/organization"
	"github.com/microsoftgraph/msgraph-sdk-go/policies"
	"github.com/microsoftgraph/msgraph-sdk-go/subscribedskus"

	"twokey/graph"
)

// Organization reads GET /organization, which lists the one tenant.
func (c *Client) Organization(ctx context.Context) (graph.Organization, error) {
	return read(ctx, c, readOrganization, func(ctx context.Context) (graph.Organization, error) {
		p, err := organization.NewOrganizationRequestBuilderInternal(c.path(), c.adapter).Get(ctx, nil)
		if err != nil {
			return graph.Organization{}, err
		}
		return toOrganization(p)
	})
}

// Licence reads GET /subscribedSkus and takes the best plan of them. One P1
// licence opens the reports for the whole tenant.
func (c *Client) Licence(ctx context.Context) (graph.Licence, error) {
	return read(ctx, c, readLicence, func(ctx context.Context) (graph.Licence, error) {
		p, err := subscribedskus.NewSubscribedSkusRequestBuilderInternal(c.path(), c.adapter).Get(ctx, nil)
		if err != nil {
			return graph.LicenceUnknown, err
		}
		return toLicence(p)
	})
}

// SecurityDefaults reads GET /policies/identitySecurityDefaultsEnforcementPolicy.
func (c *Client) SecurityDefaults(ctx context.Context) (graph.SecurityDefaults, error) {
	return read(ctx, c, readSecurityDefaults, func(ctx context.Context) (graph.SecurityDefaults, error) {
		p, err := c.securityDefaults().Get(ctx, nil)
		if err != nil {
			return graph.SecurityDefaults{}, err
		}
		return toSecurityDefaults(p)
	})
}

// SetSecurityDefaults sends PATCH to the same path. Any readable success
// counts as applied; Graph answers 204.
func (c *Client) SetSecurityDefaults(ctx context.Context, enabled bool) (graph.Receipt, error) {
	body := models.NewIdentitySecurityDefaultsEnforcementPolicy()
	body.SetOdataType(nil) // send {"isEnabled":…} and no more: what is sent is what was recorded
	body.SetIsEnabled(&enabled)
	return c.write(ctx, setSecurityDefaults, func(ctx context.Context) error {
		_, err := c.securityDefaults().Patch(ctx, body, nil)
		return err
	})
}

func (c *Client) securityDefaults() *policies.IdentitySecurityDefaultsEnforcementPolicyRequestBuilder {
	return policies.NewIdentitySecurityDefaultsEnforcementPolicyRequestBuilderInternal(c.path(), c.adapter)
}
