package simtenant

// serviceRoutes are the paths of the tenant's policies, reports and apps.
var serviceRoutes = []route{
	{method: "GET", pattern: "policies/authenticationMethodsPolicy", bucket: identity, cost: 1, do: getMethodsPolicy},
	{method: "PATCH", pattern: "policies/authenticationMethodsPolicy", bucket: identity, cost: 1, do: patchMethodsPolicy},
	{method: "GET", pattern: "policies/authenticationMethodsPolicy/authenticationMethodConfigurations", bucket: identity, cost: 1, do: listMethodConfigs},
	{method: "GET", pattern: "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/*", bucket: identity, cost: 1, do: getMethodConfig},
	{method: "PATCH", pattern: "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/*", bucket: identity, cost: 1, do: patchMethodConfig},
	{method: "GET", pattern: "admin/reportSettings", bucket: identity, cost: 1, do: getReportSettings},
	{method: "PATCH", pattern: "admin/reportSettings", bucket: identity, cost: 1, do: patchReportSettings},
	{method: "GET", pattern: "reports/getEmailAppUsageUserDetail(*)", bucket: usage, do: getUsage},
	{method: "GET", pattern: "reports/getEmailAppUsageAppsUserCounts(*)", bucket: usage, do: getUsage},
	{method: "GET", pattern: "reports/getEmailAppUsageVersionsUserCounts(*)", bucket: usage, do: getUsage},
}
