package simtenant

import (
	"iter"
	"time"

	"twokey/graph"
)

// Service plans that tell the Entra edition.
const (
	planP1       = "41781fb2-bc02-4b7c-bd55-b576c07bb09d"
	planP2       = "eec0eb4f-6444-4f95-aba0-50c24d67f998"
	planExchange = "9aaf7827-d63c-4b61-89c3-182f06f82e5c"
)

var organizationSet = &set{
	typ: "microsoft.graph.organization",
	known: words(`id deletedDateTime assignedPlans businessPhones city country countryLetterCode createdDateTime
		defaultUsageLocation displayName marketingNotificationEmails onPremisesLastSyncDateTime onPremisesSyncEnabled
		postalCode preferredLanguage provisionedPlans securityComplianceNotificationMails
		securityComplianceNotificationPhones state street technicalNotificationMails tenantType verifiedDomains`),
}

func listOrganization(c *call) (*answer, error) {
	d := c.t.world.organization(c.view.now)
	return c.list(organizationSet, "organization", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(1, func(int) entity { return d })
	})
}

func (w *world) organization(now time.Time) document {
	created := w.epoch.Add(-1500 * day)
	plan := func(service, id string) document {
		return document{"service": service, "servicePlanId": id, "capabilityStatus": "Enabled", "assignedDateTime": stamp(created)}
	}
	plans := []any{plan("exchange", planExchange)}
	if w.licence >= graph.P1 {
		plans = append(plans, plan("AADPremiumService", planP1))
	}
	if w.licence >= graph.P2 {
		plans = append(plans, plan("AADPremiumService", planP2))
	}
	domain := func(name string, usual bool) document {
		return document{"name": name, "isDefault": usual, "isInitial": !usual, "type": "Managed", "capabilities": "Email, OfficeCommunicationsOnline"}
	}
	return document{
		"id": w.tenantID, "deletedDateTime": nil, "displayName": organizationName, "tenantType": "AAD", "createdDateTime": stamp(created),
		"verifiedDomains": []any{domain(initialDomain, false), domain(defaultDomain, true)}, "assignedPlans": plans, "provisionedPlans": []any{},
		"onPremisesSyncEnabled": true, "onPremisesLastSyncDateTime": stamp(now.Truncate(30 * time.Minute)),
		"city": "Rotterdam", "country": "Netherlands", "countryLetterCode": "NL", "defaultUsageLocation": nil, "preferredLanguage": "en",
		"postalCode": "3011", "state": nil, "street": "Havenstraat 1", "businessPhones": []any{},
		"marketingNotificationEmails": []any{}, "technicalNotificationMails": []any{"it@" + defaultDomain},
		"securityComplianceNotificationMails": []any{}, "securityComplianceNotificationPhones": []any{},
	}
}

var skuSet = &set{
	typ:   "microsoft.graph.subscribedSku",
	known: words("id accountId accountName appliesTo capabilityStatus consumedUnits prepaidUnits servicePlans skuId skuPartNumber subscriptionIds"),
}

// servicePlan is a part of a SKU.
type servicePlan struct{ id, name string }

func listSkus(c *call) (*answer, error) {
	list := c.t.world.skus()
	return c.list(skuSet, "subscribedSkus", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(list), func(i int) entity { return list[i] })
	})
}

// skus lists what the tenant bought. A trial of P1 that ran out stays in the
// list as suspended: it counts for nothing.
func (w *world) skus() []document {
	staff := w.people.licensed()
	exchange, p1, p2 := servicePlan{planExchange, "EXCHANGE_S_STANDARD"}, servicePlan{planP1, "AAD_PREMIUM"}, servicePlan{planP2, "AAD_PREMIUM_P2"}
	basic := w.sku(skuBusinessBasic, "O365_BUSINESS_ESSENTIALS", "Enabled", staff, exchange)
	switch w.licence {
	case graph.P2:
		return []document{
			w.sku(skuBusinessPremium, "SPB", "Enabled", staff, exchange, p1),
			w.sku(skuPremiumP2, "AAD_PREMIUM_P2", "Enabled", 25, p1, p2),
		}
	case graph.P1:
		return []document{
			w.sku(skuBusinessPremium, "SPB", "Enabled", staff, exchange, p1),
			w.sku(skuPremiumP2, "AAD_PREMIUM_P2", "Suspended", 0, p1, p2),
		}
	default:
		return []document{basic, w.sku(skuPremiumP1, "AAD_PREMIUM", "Suspended", 0, p1)}
	}
}

func (w *world) sku(id, name, status string, used int, plans ...servicePlan) document {
	units := document{"enabled": used + 5, "suspended": 0, "warning": 0, "lockedOut": 0}
	if status != "Enabled" {
		units["enabled"], units["suspended"] = 0, 25
	}
	parts := make([]any, len(plans))
	for i, p := range plans {
		parts[i] = document{"servicePlanId": p.id, "servicePlanName": p.name, "provisioningStatus": "Success", "appliesTo": "User"}
	}
	return document{
		"id": w.tenantID + "_" + id, "accountId": w.tenantID, "accountName": "harbourvale", "appliesTo": "User", "capabilityStatus": status,
		"consumedUnits": used, "prepaidUnits": units, "servicePlans": parts, "skuId": id, "skuPartNumber": name,
		"subscriptionIds": []any{guid(stream(w.seed, "subscription "+id, 0))},
	}
}
