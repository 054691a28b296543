package msgraph

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// A Cloud is one of Microsoft's: each has its own Graph and its own authority,
// and a token of one is worth nothing in another.
type Cloud string

// The clouds. The empty one is Global.
const (
	Global   Cloud = "global"   // and GCC
	USGov    Cloud = "usgov"    // US Government L4, GCC High
	USGovDoD Cloud = "usgovdod" // US Government L5
	China    Cloud = "china"    // run by 21Vianet
)

// known reports whether there is such a cloud.
func (c Cloud) known() bool { return c.BaseURL() != "" }

// BaseURL is the root of Graph's v1.0 in the cloud, "" if there is none such.
func (c Cloud) BaseURL() string {
	switch c {
	case "", Global:
		return DefaultBaseURL
	case USGov:
		return "https://graph.microsoft.us/v1.0"
	case USGovDoD:
		return "https://dod-graph.microsoft.us/v1.0"
	case China:
		return "https://microsoftgraph.chinacloudapi.cn/v1.0"
	default:
		return ""
	}
}

// authority is where the cloud's apps sign in.
func (c Cloud) authority() string {
	switch c {
	case USGov, USGovDoD:
		return cloud.AzureGovernment.ActiveDirectoryAuthorityHost
	case China:
		return cloud.AzureChina.ActiveDirectoryAuthorityHost
	default:
		return cloud.AzurePublic.ActiveDirectoryAuthorityHost
	}
}
