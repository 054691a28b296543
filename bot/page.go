package main

import (
	"cmp"
	"fmt"
	"time"

	"twokey/bot/config"
	"twokey/bot/link"
	"twokey/graph"
)

// newPage is the page on which people prove who they are. It makes no call.
func newPage(cfg *config.Config, org graph.Organization, desk link.Desk, set setting) (*link.Page, error) {
	t, s := cfg.Tenants[0], cfg.Web.SignIn
	roots, err := rootsOf(t.Graph.CAFile)
	if err != nil {
		return nil, err
	}
	zone := time.UTC
	if cfg.Digest != nil {
		if zone, err = time.LoadLocation(cfg.Digest.Zone); err != nil {
			return nil, err
		}
	}
	page, err := link.New(link.Config{
		PublicURL: cfg.Web.PublicURL, Organization: cmp.Or(t.Name, org.Name), Tenant: t.ID, Authority: cmp.Or(t.Graph.AuthorityURL, "https://login.microsoftonline.com"),
		ClientID: s.ClientID, ClientSecret: s.ClientSecret, Context: s.Context, Roots: roots, Front: cfg.Web.TLS == "proxy",
		Zone: zone, Desk: desk, Now: set.now, Log: set.log,
	})
	if err != nil {
		return nil, fmt.Errorf("linking page: %w", err)
	}
	return page, nil
}
