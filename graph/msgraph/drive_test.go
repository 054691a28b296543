package msgraph_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// A driver calls methods of a client.
type driver struct {
	t      *testing.T
	ctx    context.Context
	c      *msgraph.Client
	people []graph.User
	group  string // one that holds a role: there is no list of all
}

// drive calls everything and returns what went over the wire.
func drive(t *testing.T) []exchange {
	t.Helper()
	tenant, err := simtenant.New(simtenant.Config{People: 900, Licence: graph.P2, Seed: 11, Epoch: noon(), Now: noon, Apps: declaredApps(t)})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	wire := &recorder{next: transport, handed: map[string]bool{}}
	root := newServer(t, tenant)
	c := client(t, msgraph.Config{BaseURL: root + "/v1.0", Credential: msgraph.StaticToken("portal"), Transport: wire, Unbudgeted: true, Now: noon})
	d := &driver{t: t, ctx: t.Context(), c: c, people: must(c.Users(t.Context()))(t)}
	for _, o := range (plain{t, root}).list("/v1.0/roleManagement/directory/roleAssignments?$expand=principal") {
		if principal := object(o["principal"].(map[string]any)); principal.text("@odata.type") == "#microsoft.graph.group" {
			d.group = principal.text("id")
		}
	}
	calls := d.calls()
	for _, iface := range []reflect.Type{reflect.TypeFor[graph.Reader](), reflect.TypeFor[graph.Writer]()} {
		for i := range iface.NumMethod() {
			name := iface.Method(i).Name
			call, ok := calls[name]
			if !ok {
				t.Errorf("nothing drives %s", name)
				continue
			}
			if err := call(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	all := wire.list
	for _, e := range wire.list {
		if strings.HasSuffix(e.path, "/$batch") && e.status == http.StatusOK {
			all = append(all, e.parts(t)...)
		}
	}
	return all
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// expect wants an error of a kind, for answers that say no.
func expect(kind graph.Kind, err error) error {
	if e, ok := errors.AsType[*graph.Error](err); ok && e.Kind == kind {
		return nil
	}
	return fmt.Errorf("got error %w, want %v", err, kind)
}

// calls has an entry for every method.
func (d *driver) calls() map[string]func() error {
	c, ctx := d.c, d.ctx
	olga, sam := simtenant.Cast(11)[0].ObjectID, d.person("sam@").ID
	since := noon().Add(-20 * time.Hour)
	ids := make([]string, 0, len(d.people))
	for _, u := range d.people {
		ids = append(ids, u.ID)
	}
	return map[string]func() error{
		"Organization":     func() error { return second(c.Organization(ctx)) },
		"Licence":          func() error { return second(c.Licence(ctx)) },
		"SecurityDefaults": func() error { return second(c.SecurityDefaults(ctx)) },
		"Policies":         func() error { return second(c.Policies(ctx)) },
		"Users":            func() error { return second(c.Users(ctx)) },
		"UserPage": func() error {
			_, next, err := c.UserPage(ctx, "")
			if err == nil && next != "" {
				_, _, err = c.UserPage(ctx, next)
			}
			return err
		},
		"User": func() error {
			return errors.Join(second(c.User(ctx, olga)), expect(graph.KindNotFound, second(c.User(ctx, someID))))
		},
		"CountUsers": func() error { return second(c.CountUsers(ctx)) },
		"FindUsers":  d.findUsers,
		"Manager": func() error {
			return errors.Join(second(c.Manager(ctx, d.person("ada@").ID)), expect(graph.KindNotFound, second(c.Manager(ctx, olga))))
		},
		"Managers": func() error { return second(c.Managers(ctx)) },
		"SessionsFrom": func() error {
			return errors.Join(second(c.SessionsFrom(ctx, olga)), expect(graph.KindNotFound, second(c.SessionsFrom(ctx, someID))))
		},
		"LastSignIns": func() error { return second(c.LastSignIns(ctx)) },
		"SignInsOf":   func() error { return second(c.SignInsOf(ctx, d.people[0].ID, noon().AddDate(0, 0, -7))) },
		"UserChanges": func() error {
			now, err := c.UserChanges(ctx, "")
			if err != nil {
				return err
			}
			return second(c.UserChanges(ctx, now.Next))
		},
		"Group":            func() error { return second(c.Group(ctx, d.group)) },
		"GroupMembers":     func() error { return second(c.GroupMembers(ctx, d.group)) },
		"MemberOf":         func() error { return second(c.MemberOf(ctx, olga, []string{d.group})) },
		"RoleHolders":      func() error { return second(c.RoleHolders(ctx)) },
		"RoleGroupPeople":  func() error { return second(c.RoleGroupPeople(ctx)) },
		"Registrations":    func() error { return second(c.Registrations(ctx)) },
		"RegistrationPage": func() error { _, _, err := c.RegistrationPage(ctx, ""); return err },
		"Methods":          func() error { return second(c.Methods(ctx, append(slices.Clone(ids), someID))) },
		"HasPhone":         func() error { return second(c.HasPhone(ctx, sam, graph.Phone{})) },
		"Passes":           func() error { return second(c.Passes(ctx, sam)) },
		"SignInPreference": func() error { return second(c.SignInPreference(ctx, sam)) },
		"PerUserMFA":       func() error { return second(c.PerUserMFA(ctx, ids[:40])) },
		"MethodsPolicy":    func() error { return second(c.MethodsPolicy(ctx)) },
		"Audits": func() error {
			q := graph.AuditQuery{Since: since, Until: noon(), Service: graph.ServiceMethods, Category: "UserManagement", TargetID: olga, AppID: ourApp}
			return errors.Join(second(c.Audits(ctx, graph.AuditQuery{})), second(c.Audits(ctx, q)))
		},
		"EachLegacySignIn": func() error {
			return c.EachLegacySignIn(ctx, since, time.Time{}, func(graph.SignIn) error { return nil })
		},
		"Grants":          func() error { return expect(graph.KindNotSent, second(c.Grants(ctx))) },
		"App":             func() error { return second(c.App(ctx, ourApp)) },
		"EmailAppUse":     func() error { return second(c.EmailAppUse(ctx, graph.Days30)) },
		"OutlookVersions": func() error { return second(c.OutlookVersions(ctx, graph.Days7)) },
		"NamesConcealed":  func() error { return second(c.NamesConcealed(ctx)) },

		"SetSecurityDefaults": func() error {
			return errors.Join(second(c.SetSecurityDefaults(ctx, true)), second(c.SetSecurityDefaults(ctx, false)))
		},
		"CreatePolicy":   d.createPolicies,
		"SetPolicyState": func() error { return second(c.SetPolicyState(ctx, d.policy(), graph.PolicyDisabled)) },
		"SetPassPolicy": func() error {
			policy := must(c.MethodsPolicy(ctx))(d.t).Pass
			policy.Exclude = []graph.Target{{ID: d.group, Group: true}}
			return second(c.SetPassPolicy(ctx, policy))
		},
		"SetCampaign": func() error {
			campaign := must(c.MethodsPolicy(ctx))(d.t).Campaign
			again := campaign
			again.Enforced = nil
			return errors.Join(second(c.SetCampaign(ctx, campaign)), second(c.SetCampaign(ctx, again)))
		},
		"DeleteMethod": d.deleteMethods,
		"AddPhone": func() error {
			_, _, err := c.AddPhone(ctx, sam, graph.Phone{Type: graph.PhoneMobile, Number: "+44 7700900123"})
			_, _, twice := c.AddPhone(ctx, sam, graph.Phone{Type: graph.PhoneMobile, Number: "+44 7700900123"})
			return errors.Join(err, expect(graph.KindRefused, twice))
		},
		"CreatePass": func() error {
			_, _, plain := c.CreatePass(ctx, sam, graph.PassOrder{})
			_, _, ordered := c.CreatePass(ctx, sam, graph.PassOrder{Start: noon().Add(time.Hour), Lifetime: 2 * time.Hour, Multi: true})
			return errors.Join(plain, ordered)
		},
		"SetSignInPreference": func() error {
			return second(c.SetSignInPreference(ctx, sam, graph.SignInPreference{System: true}))
		},
		"SetPerUserMFA":     func() error { return second(c.SetPerUserMFA(ctx, sam, graph.PerUserDisabled)) },
		"RevokeSessions":    func() error { return second(c.RevokeSessions(ctx, sam)) },
		"SetAccountEnabled": func() error { return second(c.SetAccountEnabled(ctx, sam, false)) },
		"SendMail": func() error {
			return second(c.SendMail(ctx, graph.Mail{From: olga, To: "sam@harbourvale.example", Subject: "x", HTML: "<p>x</p>", Ref: "N-1"}))
		},
	}
}

// findUsers types everything that a person might: each kind asks in another way.
func (d *driver) findUsers() error {
	u := d.person("olga@")
	var all error
	for _, typed := range []string{u.ID, u.UPN, u.Name, strings.Fields(u.Name)[0], "nobody.at.all@harbourvale.example"} {
		_, err := d.c.FindUsers(d.ctx, typed)
		all = errors.Join(all, err)
	}
	return all
}

func (d *driver) createPolicies() error {
	var all error
	for _, aim := range []graph.PolicyAim{graph.AimBlockLegacy, graph.AimRequireMFA} {
		_, _, err := d.c.CreatePolicy(d.ctx, graph.PolicyDraft{Does: aim, Mark: "R-ABC234", ExcludeUsers: []string{d.people[0].ID}, ExcludeGroups: []string{d.group}})
		all = errors.Join(all, err)
	}
	return all
}

// deleteMethods deletes one method of each kind, whoever has it.
func (d *driver) deleteMethods() error {
	gone := map[graph.MethodKind]bool{}
	for _, u := range d.people {
		methods := must(d.c.Methods(d.ctx, []string{u.ID}))(d.t)[0].Methods
		for _, m := range graph.DeletionOrder(methods, graph.SignInPreference{}) {
			if gone[m.Kind] {
				continue
			}
			switch _, err := d.c.DeleteMethod(d.ctx, u.ID, m); {
			case err == nil:
				gone[m.Kind] = true
			case !errors.Is(err, graph.ErrDefaultMethod):
				return err
			}
		}
		if len(gone) == 9 {
			return nil
		}
	}
	return fmt.Errorf("nobody has more than the kinds %v", gone)
}

func (d *driver) person(begin string) graph.User {
	d.t.Helper()
	i := slices.IndexFunc(d.people, func(u graph.User) bool { return strings.HasPrefix(u.UPN, begin) })
	if i < 0 {
		d.t.Fatalf("there is no %s", begin)
	}
	return d.people[i]
}

func (d *driver) policy() string { return must(d.c.Policies(d.ctx))(d.t)[0].ID }
