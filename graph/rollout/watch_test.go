package rollout

import (
	"slices"
	"testing"
	"time"

	"twokey/graph"
)

// watchedApp is our app as it was agreed on.
func watchedApp() graph.App {
	return graph.App{
		ID: "app", ObjectID: "object", PrincipalID: "principal", Name: "Twokey", Enabled: true,
		Credentials: []graph.Credential{
			{ID: "cert", Kind: graph.CredentialCertificate, Name: "CN=twokey", End: monday47.AddDate(1, 0, 0)},
			{ID: "fed", Kind: graph.CredentialFederation, Name: "cluster", Issuer: "https://cluster.example/", Subject: "bot", Audiences: []string{"exchange"}},
		},
		OwnerIDs:    []string{"olga"},
		Permissions: []graph.AppGrant{{ID: "grant", Resource: "Microsoft Graph", RoleID: "role-1", Permission: "User.Read.All"}},
	}
}

func TestU08CompareApps(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*graph.App)
		want   []string
	}{
		{"nothing", func(*graph.App) {}, nil},
		{"read in another zone", func(a *graph.App) {
			a.Credentials[0].End = a.Credentials[0].End.In(time.FixedZone("east", 3600))
		}, nil},
		{"a new secret", func(a *graph.App) {
			a.Credentials = append(a.Credentials, graph.Credential{ID: "new", Kind: graph.CredentialSecret, Name: "oops"})
		}, []string{"alarm credential_added new: A new secret can sign in as the app. [oops]"}},
		{"a credential changed under its ID", func(a *graph.App) { a.Credentials[1].Name = "other cluster" }, []string{
			"alarm credential_added fed: A new federation can sign in as the app. [other cluster]",
		}},
		{"a federation that trusts another issuer", func(a *graph.App) { a.Credentials[1].Issuer = "https://evil.example/" }, []string{
			"alarm credential_added fed: A new federation can sign in as the app. [cluster]",
		}},
		{"a federation that trusts another subject", func(a *graph.App) { a.Credentials[1].Subject = "eve" }, []string{
			"alarm credential_added fed: A new federation can sign in as the app. [cluster]",
		}},
		{"a federation that trusts another audience", func(a *graph.App) { a.Credentials[1].Audiences = []string{"other"} }, []string{
			"alarm credential_added fed: A new federation can sign in as the app. [cluster]",
		}},
		{"a credential changed for another", func(a *graph.App) {
			a.Credentials[0].ID = "next"
		}, []string{
			"alarm credential_added next: A new certificate can sign in as the app. [CN=twokey]",
			"notice credential_removed cert: A certificate of the app was removed. [CN=twokey]",
		}},
		{"soon to run out", func(a *graph.App) { a.Credentials[0].End = monday47.Add(expiresSoon) }, []string{
			"alarm credential_added cert: A new certificate can sign in as the app. [CN=twokey]",
			"warning credential_expiring cert: A certificate of the app soon runs out. [CN=twokey]",
		}},
		{"a new owner", func(a *graph.App) { a.OwnerIDs = []string{"olga", "eve"} }, []string{"alarm owner_added eve: A new owner can give the app credentials. []"}},
		{"an owner less", func(a *graph.App) { a.OwnerIDs = nil }, []string{"notice owner_removed olga: An owner of the app was removed. []"}},
		{"a new permission", func(a *graph.App) {
			a.Permissions = append(a.Permissions, graph.AppGrant{ID: "more", Resource: "Office 365 Exchange Online", RoleID: "role-2"})
		}, []string{"alarm permission_added more: The app was given a permission. [role-2 on Office 365 Exchange Online]"}},
		{"a permission given anew", func(a *graph.App) { a.Permissions[0].ID = "again" }, []string{
			"alarm permission_added again: The app was given a permission. [User.Read.All on Microsoft Graph]",
		}},
		{"a permission less", func(a *graph.App) { a.Permissions = nil }, []string{
			"warning permission_removed grant: The app lost a permission. [User.Read.All on Microsoft Graph]",
		}},
		{"disabled and renamed", func(a *graph.App) { a.Enabled, a.Name = false, "Onekey" }, []string{
			"warning app_disabled principal: The app may not sign in any more: it was disabled in the tenant. []",
			"notice app_renamed object: The app has another name. [Onekey]",
		}},
		{"made anew", func(a *graph.App) { a.PrincipalID = "another" }, []string{
			"alarm app_replaced app: The app registration is not the one it was: it was deleted and made anew, or another has taken its place. [Twokey]",
		}},
		{"gone", func(a *graph.App) { *a = graph.App{} }, []string{"warning app_removed app: The app registration is gone. [Twokey]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now := watchedApp()
			tt.change(&now)
			if got := findings(CompareApps(watchedApp(), now, monday47)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func findings(all []AppFinding) []string {
	var texts []string
	for _, f := range all {
		texts = append(texts, f.Severity.String()+" "+string(f.Kind)+" "+f.Of+": "+f.What+" ["+f.Name+"]")
	}
	return texts
}

func TestU08FirstLookAtAnApp(t *testing.T) {
	t.Parallel()
	now := watchedApp()
	tests := []struct {
		name string
		at   time.Time
		want []string
	}{
		{"long before", monday47, nil},
		{"shortly before", now.Credentials[0].End.AddDate(0, 0, -30), []string{"warning credential_expiring cert: A certificate of the app soon runs out. [CN=twokey]"}},
		{"afterwards", now.Credentials[0].End, []string{"warning credential_expired cert: A certificate of the app has run out. [CN=twokey]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := CompareApps(graph.App{}, now, tt.at)
			if texts := findings(got); !slices.Equal(texts, tt.want) {
				t.Errorf("got %q, want %q", texts, tt.want)
			}
			for _, f := range got {
				if !f.Until.Equal(now.Credentials[0].End) {
					t.Errorf("got until %v, want the credential's end", f.Until)
				}
			}
		})
	}
	reenabled := watchedApp()
	reenabled.Enabled = false
	want := []string{"warning app_enabled principal: The app may sign in again: it was enabled in the tenant. []"}
	if got := findings(CompareApps(reenabled, now, monday47)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestU08Unexplained(t *testing.T) {
	t.Parallel()
	known := func(id string) bool { return id == "request-1" || id == "" }
	audits := []graph.Audit{
		{ID: "ours", ByAppID: "APP", CorrelationID: "request-1", Succeeded: true},
		{ID: "of another app", ByAppID: "other", CorrelationID: "request-9", Succeeded: true},
		{ID: "of a person", ByUserID: "ann", CorrelationID: "request-9", Succeeded: true},
		{ID: "of a stranger in our name", ByAppID: "app", CorrelationID: "request-2", Succeeded: true},
		{ID: "failed in our name", ByAppID: "app", CorrelationID: "request-3"},
		{ID: "without a mark", ByAppID: "app", Succeeded: true},
	}
	var got []string
	for _, a := range Unexplained(audits, "app", known) {
		got = append(got, a.ID)
	}
	if want := []string{"of a stranger in our name", "failed in our name", "without a mark"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Unexplained(audits, "", known); got != nil {
		t.Errorf("no app: got %v, want nothing", got)
	}
}
