package simtenant

// serviceRoutes are the paths of the tenant's policies, reports and apps.
var serviceRoutes = []route{
	{method: "GET", pattern: "policies/authenticationMethodsPolicy", bucket: identity, cost: 1, do: getMethodsPolicy},
	{method: "PATCH", pattern: "policies/authenticationMethodsPolicy", bucket: identity, cost: 1, do: patchMethodsPolicy},
	{method: "GET", pattern: "policies/authenticationMethodsPolicy/authenticationMethodConfigurations", bucket: identity, cost: 1, do: listMethodConfigs},
	{method: "GET", pattern: "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/*", bucket: identity, cost: 1, do: getMethodConfig},
	{method: "PATCH", pattern: "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/*", bucket: identity, cost: 1, do: patchMethodConfig},
}
