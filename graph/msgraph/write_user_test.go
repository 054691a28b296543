package msgraph_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
)

const (
	passCode = "Kd7&wPq2"
	passBody = `{"id":"` + otherID + `","temporaryAccessPass":"` + passCode + `","startDateTime":"2026-11-24T09:00:00Z","lifetimeInMinutes":60,"isUsableOnce":true,"isUsable":true}`
)

// only makes a sending of a change that returns a receipt alone.
func only(send func(context.Context, *msgraph.Client) (graph.Receipt, error)) func(context.Context, *msgraph.Client) error {
	return func(ctx context.Context, c *msgraph.Client) error { return second(send(ctx, c)) }
}

func deleting(m graph.Method) func(context.Context, *msgraph.Client) error {
	return only(func(ctx context.Context, c *msgraph.Client) (graph.Receipt, error) {
		return c.DeleteMethod(ctx, someID, m)
	})
}

// TestUserChangesSendExactly compares what goes out with Graph's pages, member
// by member.
func TestUserChangesSendExactly(t *testing.T) {
	t.Parallel()
	all := []sending{
		{
			name: "phone", says: reply(201, createdA), want: "POST /v1.0/users/" + someID + "/authentication/phoneMethods", body: `{"phoneNumber":"+34 600000000","phoneType":"mobile"}`,
			send: func(ctx context.Context, c *msgraph.Client) error {
				id, _, err := c.AddPhone(ctx, someID, graph.Phone{Type: graph.PhoneMobile, Number: "+34 600000000"})
				if err == nil && id != someID {
					t.Errorf("ID: got %q, want %q", id, someID)
				}
				return err
			},
		},
		{
			name: "pass", says: reply(201, passBody), want: "POST /v1.0/users/" + someID + "/authentication/temporaryAccessPassMethods", body: `{"isUsableOnce":true}`,
			send: func(ctx context.Context, c *msgraph.Client) error {
				got, _, err := c.CreatePass(ctx, someID, graph.PassOrder{})
				want := graph.Pass{ID: otherID, Code: graph.NewSecret(passCode), Start: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Lifetime: time.Hour, Once: true}
				if err == nil && (got.ID != want.ID || got.Code.Reveal() != passCode || !got.Start.Equal(want.Start) || got.Lifetime != want.Lifetime || got.Once != want.Once) {
					t.Errorf("pass: got %+v, want %+v", got, want)
				}
				return err
			},
		},
		{
			name: "pass for later", says: reply(201, passBody), want: "POST /v1.0/users/" + someID + "/authentication/temporaryAccessPassMethods",
			body: `{"startDateTime":"2026-11-25T08:00:00Z","lifetimeInMinutes":90,"isUsableOnce":false}`,
			send: func(ctx context.Context, c *msgraph.Client) error {
				start := time.Date(2026, 11, 25, 9, 0, 0, 0, time.FixedZone("CET", 3600))
				_, _, err := c.CreatePass(ctx, someID, graph.PassOrder{Start: start, Lifetime: 90 * time.Minute, Multi: true})
				return err
			},
		},
		{
			name: "default method", want: "PATCH /beta/users/" + someID + "/authentication/signInPreferences",
			body: `{"isSystemPreferredAuthenticationMethodEnabled":false,"userPreferredMethodForSecondaryAuthentication":"push"}`,
			send: only(func(ctx context.Context, c *msgraph.Client) (graph.Receipt, error) {
				return c.SetSignInPreference(ctx, someID, graph.SignInPreference{Method: "push"})
			}),
		},
		{
			name: "the tenant chooses", want: "PATCH /beta/users/" + someID + "/authentication/signInPreferences", body: `{"isSystemPreferredAuthenticationMethodEnabled":true}`,
			send: only(func(ctx context.Context, c *msgraph.Client) (graph.Receipt, error) {
				return c.SetSignInPreference(ctx, someID, graph.SignInPreference{System: true})
			}),
		},
		{
			name: "per-user MFA", want: "PATCH /beta/users/" + someID + "/authentication/requirements", body: `{"perUserMfaState":"disabled"}`,
			send: only(func(ctx context.Context, c *msgraph.Client) (graph.Receipt, error) {
				return c.SetPerUserMFA(ctx, someID, graph.PerUserDisabled)
			}),
		},
		{
			name: "block", want: "PATCH /v1.0/users/" + someID, body: `{"accountEnabled":false}`,
			send: only(func(ctx context.Context, c *msgraph.Client) (graph.Receipt, error) {
				return c.SetAccountEnabled(ctx, someID, false)
			}),
		},
		{
			name: "mail", says: reply(202, ""), want: "POST /v1.0/users/bot%23EXT%23%40contoso.example/sendMail",
			body: `{"message":{"subject":"Your new phone","body":{"contentType":"html","content":"<p>87%</p>"},"toRecipients":[{"emailAddress":{"address":"sam@contoso.example"}}],
				"internetMessageHeaders":[{"name":"x-twokey-ref","value":"N-42"}]},"saveToSentItems":false}`,
			send: only(func(ctx context.Context, c *msgraph.Client) (graph.Receipt, error) {
				return c.SendMail(ctx, graph.Mail{From: "bot#EXT#@contoso.example", To: "sam@contoso.example", Subject: "Your new phone", HTML: "<p>87%</p>", Ref: "N-42"})
			}),
		},
	}
	for _, answer := range []http.Handler{reply(200, `{"value":true}`), reply(202, ""), reply(204, "")} {
		all = append(all, sending{
			name: "sessions", says: answer, want: "POST /v1.0/users/" + someID + "/revokeSignInSessions",
			send: only(func(ctx context.Context, c *msgraph.Client) (graph.Receipt, error) {
				return c.RevokeSessions(ctx, someID)
			}),
		})
	}
	for kind, segment := range map[graph.MethodKind]string{
		graph.MethodPhone: "phoneMethods", graph.MethodEmail: "emailMethods", graph.MethodAuthenticator: "microsoftAuthenticatorMethods",
		graph.MethodPasskey: "fido2Methods", graph.MethodSoftwareOATH: "softwareOathMethods", graph.MethodTemporaryPass: "temporaryAccessPassMethods",
		graph.MethodWindowsHello: "windowsHelloForBusinessMethods", graph.MethodPlatformCredential: "platformCredentialMethods",
		graph.MethodExternal: "externalAuthenticationMethods",
	} {
		all = append(all, sending{
			name: "delete " + kind.String(), want: "DELETE /v1.0/users/" + someID + "/authentication/" + segment + "/a%2Fb-_1",
			send: deleting(graph.Method{ID: "a/b-_1", Kind: kind}),
		})
	}
	checkSendings(t, all)
}

// TestUserMistakesAreNotSent: names instead of IDs above all, which may have
// passed to somebody else.
func TestUserMistakesAreNotSent(t *testing.T) {
	t.Parallel()
	const name = "sam@contoso.example"
	phone := graph.Method{ID: otherID, Kind: graph.MethodPhone}
	mail := func(alter func(*graph.Mail)) func(context.Context, *msgraph.Client) error {
		m := graph.Mail{From: someID, To: name, Subject: "x", HTML: "x", Ref: "N-1"}
		alter(&m)
		return only(func(ctx context.Context, c *msgraph.Client) (graph.Receipt, error) { return c.SendMail(ctx, m) })
	}
	number := func(p graph.Phone) func(context.Context, *msgraph.Client) error {
		return func(ctx context.Context, c *msgraph.Client) error {
			_, _, err := c.AddPhone(ctx, someID, p)
			return err
		}
	}
	for name, send := range map[string]func(context.Context, *msgraph.Client) error{
		"delete by name": func(ctx context.Context, c *msgraph.Client) error { return second(c.DeleteMethod(ctx, name, phone)) },
		"phone by name": func(ctx context.Context, c *msgraph.Client) error {
			_, _, err := c.AddPhone(ctx, name, graph.Phone{Type: graph.PhoneMobile, Number: "+34 600000000"})
			return err
		},
		"pass by name": func(ctx context.Context, c *msgraph.Client) error {
			_, _, err := c.CreatePass(ctx, name, graph.PassOrder{})
			return err
		},
		"preference by name": func(ctx context.Context, c *msgraph.Client) error {
			return second(c.SetSignInPreference(ctx, name, graph.SignInPreference{}))
		},
		"per-user MFA by name": func(ctx context.Context, c *msgraph.Client) error {
			return second(c.SetPerUserMFA(ctx, name, graph.PerUserDisabled))
		},
		"revoke by name": func(ctx context.Context, c *msgraph.Client) error { return second(c.RevokeSessions(ctx, name)) },
		"block by name": func(ctx context.Context, c *msgraph.Client) error {
			return second(c.SetAccountEnabled(ctx, name, false))
		},
		"block nobody":             func(ctx context.Context, c *msgraph.Client) error { return second(c.SetAccountEnabled(ctx, "", false)) },
		"password":                 deleting(graph.Method{ID: otherID, Kind: graph.MethodPassword}),
		"hardware token":           deleting(graph.Method{ID: otherID, Kind: graph.MethodHardwareOATH}),
		"unknown kind":             deleting(graph.Method{ID: otherID, Kind: "thought"}),
		"no kind":                  deleting(graph.Method{ID: otherID}),
		"no method":                deleting(graph.Method{Kind: graph.MethodPhone}),
		"method above":             deleting(graph.Method{ID: "..", Kind: graph.MethodPhone}),
		"type of phone":            number(graph.Phone{Type: "pager", Number: "+34 600000000"}),
		"number without a space":   number(graph.Phone{Type: graph.PhoneMobile, Number: "+34600000000"}),
		"number without a country": number(graph.Phone{Type: graph.PhoneMobile, Number: "600000000"}),
		"pass for half a minute": func(ctx context.Context, c *msgraph.Client) error {
			_, _, err := c.CreatePass(ctx, someID, graph.PassOrder{Lifetime: 90 * time.Second})
			return err
		},
		"per-user state":        func(ctx context.Context, c *msgraph.Client) error { return second(c.SetPerUserMFA(ctx, someID, "on")) },
		"mail from nobody":      mail(func(m *graph.Mail) { m.From = "" }),
		"mail from above":       mail(func(m *graph.Mail) { m.From = ".." }),
		"mail to nobody":        mail(func(m *graph.Mail) { m.To = "sam" }),
		"mail without a mark":   mail(func(m *graph.Mail) { m.Ref = "" }),
		"mail with two headers": mail(func(m *graph.Mail) { m.Ref = "N-1\r\nBcc: eve@example.com" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantMistake(t, send)
		})
	}
}

// TestDefaultMethod recognises both of Graph's sentences, and nothing else.
func TestDefaultMethod(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, message string
		status        int
		want          bool
	}{
		{"one", "The requested authentication method id of [x] matches the user's current default authentication method, and cannot be deleted until the default authentication method is changed", 400, true},
		{"the other", "Cannot delete default method with other methods configured. Please change default method before deletion.", 400, true},
		{"something else", "The phone cannot be deleted.", 400, false},
		{"a failure", "The default method service is down.", 503, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := reply(tt.status, `{"error":{"code":"badRequest","message":"`+tt.message+`"}}`)
			err := deleting(graph.Method{ID: otherID, Kind: graph.MethodAuthenticator})(t.Context(), serve(t, tenant))
			if got := errors.Is(err, graph.ErrDefaultMethod); got != tt.want {
				t.Errorf("%v: is the default method: got %v, want %v", err, got, tt.want)
			}
		})
	}
}

// TestPermissionOfADeletion names the narrow one of the kind.
func TestPermissionOfADeletion(t *testing.T) {
	t.Parallel()
	for kind, want := range map[graph.MethodKind]string{
		graph.MethodPhone: "UserAuthMethod-Phone.ReadWrite.All", graph.MethodTemporaryPass: "UserAuthMethod-TAP.ReadWrite.All",
		graph.MethodAuthenticator: "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All", graph.MethodPasskey: "UserAuthMethod-Passkey.ReadWrite.All",
	} {
		err := deleting(graph.Method{ID: otherID, Kind: kind})(t.Context(), serve(t, reply(403, graphError("accessDenied"))))
		if e := wantError(t, err, graph.KindNoPermission); e.Permission != want {
			t.Errorf("%s: got permission %s, want %s", kind, e.Permission, want)
		}
	}
}

// TestPassIsNeverLogged creates passes of every kind of answer and looks for
// code and token in every line, error and print.
func TestPassIsNeverLogged(t *testing.T) {
	t.Parallel()
	const token = "secret-token"
	for name, answer := range map[string]http.Handler{
		"as it should be":     reply(201, passBody),
		"a member is missing": reply(201, strings.Replace(passBody, `"isUsableOnce"`, `"other"`, 1)),
		"no ID":               reply(201, strings.Replace(passBody, `"id"`, `"other"`, 1)),
		"another type":        reply(201, strings.Replace(passBody, "60", `"`+passCode+`"`, 1)),
		"a number":            reply(201, strings.Replace(passBody, `"`+passCode+`"`, `73957395`, 1)),
		"cut":                 reply(201, passBody[:len(passBody)-1]),
		"refused":             reply(400, graphError("badRequest")),
		"not JSON":            reply(201, passCode, "Content-Type", "text/plain"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			c := client(t, msgraph.Config{BaseURL: newServer(t, answer) + "/v1.0", Credential: msgraph.StaticToken(token), Log: debugLog(&out)})
			pass, receipt, err := c.CreatePass(t.Context(), someID, graph.PassOrder{})
			fmt.Fprintf(&out, "%v %+v %#v %v %v", pass, pass, pass, receipt, err)
			if name != "as it should be" && (err == nil || pass != graph.Pass{}) {
				t.Errorf("got %+v and error %v, want no pass beside an error", pass, err)
			}
			for _, secret := range []string{passCode, "73957395", token} {
				if strings.Contains(out.String(), secret) {
					t.Errorf("%q stands in the log: %s", secret, out.String())
				}
			}
		})
	}
}
