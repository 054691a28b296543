package msgraph

import "testing"

// TestAuthority: an app signs in at its own cloud, or where it is told to.
func TestAuthority(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cloud           Cloud
		authority, want string
		lookUp          bool // in Microsoft's list of authorities
	}{
		{"", "", "https://login.microsoftonline.com/", true},
		{Global, "", "https://login.microsoftonline.com/", true},
		{USGov, "", "https://login.microsoftonline.us/", true},
		{USGovDoD, "", "https://login.microsoftonline.us/", true},
		{China, "", "https://login.chinacloudapi.cn/", true},
		{China, "https://127.0.0.1:8443", "https://127.0.0.1:8443", false},
	} {
		a := Auth{Cloud: tt.cloud, Authority: tt.authority}
		if got := a.options().Cloud.ActiveDirectoryAuthorityHost; got != tt.want {
			t.Errorf("%s: got authority %s, want %s", tt.cloud, got, tt.want)
		}
		if a.unlisted() == tt.lookUp {
			t.Errorf("%s %s: is looked up: got %v, want %v", tt.cloud, tt.authority, tt.lookUp, !tt.lookUp)
		}
	}
}
