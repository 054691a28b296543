package msgraph

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/microsoft/kiota-abstractions-go"

	"twokey/graph"
)

// A methodHome is where Graph keeps the methods of a kind, and the permission
// that is needed to delete one: there is no deleting by ID alone.
type methodHome struct{ segment, permission string }

// methodHomes has no passwords, which cannot be deleted, and no tokens of
// hardware, for which there is beta alone.
var methodHomes = map[graph.MethodKind]methodHome{
	graph.MethodPhone:              {"phoneMethods", "UserAuthMethod-Phone.ReadWrite.All"},
	graph.MethodEmail:              {"emailMethods", "UserAuthMethod-Email.ReadWrite.All"},
	graph.MethodAuthenticator:      {"microsoftAuthenticatorMethods", "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All"},
	graph.MethodPasskey:            {"fido2Methods", "UserAuthMethod-Passkey.ReadWrite.All"},
	graph.MethodSoftwareOATH:       {"softwareOathMethods", "UserAuthMethod-SoftwareOATH.ReadWrite.All"},
	graph.MethodTemporaryPass:      {"temporaryAccessPassMethods", "UserAuthMethod-TAP.ReadWrite.All"},
	graph.MethodWindowsHello:       {"windowsHelloForBusinessMethods", "UserAuthMethod-WindowsHello.ReadWrite.All"},
	graph.MethodPlatformCredential: {"platformCredentialMethods", "UserAuthMethod-PlatformCred.ReadWrite.All"},
	graph.MethodExternal:           {"externalAuthenticationMethods", "UserAuthMethod-External.ReadWrite.All"},
}

// DeleteMethod sends DELETE /users/{id}/authentication/{kind}Methods/{method}.
func (c *Client) DeleteMethod(ctx context.Context, userID string, m graph.Method) (graph.Receipt, error) {
	home, known := methodHomes[m.Kind]
	switch {
	case !known:
		return graph.Receipt{}, mistake(deleteMethod, graph.Mistake("There is no way to delete a method of the kind "+m.Kind.String()+"."))
	case m.ID == "" || m.ID == "." || m.ID == "..":
		return graph.Receipt{}, mistake(deleteMethod, "A method is named by its ID.")
	}
	op := deleteMethod
	op.permission = home.permission
	receipt, err := c.changeUser(ctx, op, userID, change{method: abstractions.DELETE, address: "/authentication/" + home.segment + "/" + segment(m.ID)})
	return receipt, defaultMethod(err)
}

// defaultMethod marks the refusal of the default method. Graph has no code for
// it, only two sentences for the same thing.
func defaultMethod(err error) error {
	e, ok := errors.AsType[*graph.Error](err)
	if !ok || e.Kind != graph.KindRefused || e.Status != http.StatusBadRequest {
		return err
	}
	says := strings.ToLower(e.Message)
	if strings.Contains(says, "default") && strings.Contains(says, "method") {
		e.Err = graph.ErrDefaultMethod
	}
	return e
}

// phoneNumber is how Graph wants numbers.
var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{0,3} [0-9]{4,14}(x[0-9]{1,10})?$`)

// AddPhone sends POST /users/{id}/authentication/phoneMethods.
func (c *Client) AddPhone(ctx context.Context, userID string, p graph.Phone) (string, graph.Receipt, error) {
	switch {
	case p.Type != graph.PhoneMobile && p.Type != graph.PhoneAlternate && p.Type != graph.PhoneOffice:
		return "", graph.Receipt{}, mistake(addPhone, "There is no such type of phone.")
	case !phoneNumber.MatchString(p.Number):
		return "", graph.Receipt{}, mistake(addPhone, "A phone number is written with its country code and one space, like +34 600000000.")
	}
	var id string
	receipt, err := createFor(ctx, c, addPhone, userID, "/authentication/phoneMethods", p.Body(),
		func(made methodItem) (err error) {
			id, err = need("id", made.ID)
			return err
		})
	return id, receipt, err
}

// passItem is a pass in Graph's JSON.
type passItem struct {
	ID      *string    `json:"id"`
	Code    *string    `json:"temporaryAccessPass"`
	Start   *time.Time `json:"startDateTime"`
	Minutes *int       `json:"lifetimeInMinutes"`
	Once    *bool      `json:"isUsableOnce"`
}

// CreatePass sends POST /users/{id}/authentication/temporaryAccessPassMethods.
// The code is in the answer, and nowhere else ever.
func (c *Client) CreatePass(ctx context.Context, userID string, o graph.PassOrder) (graph.Pass, graph.Receipt, error) {
	if notMinutes(o.Lifetime) {
		return graph.Pass{}, graph.Receipt{}, mistake(createPass, "The lifetime of a pass is in whole minutes.")
	}
	var pass graph.Pass
	receipt, err := createFor(ctx, c, createPass, userID, "/authentication/temporaryAccessPassMethods", o.Body(), func(made passItem) (err error) {
		pass, err = toNewPass(made)
		return err
	})
	return pass, receipt, err
}

func toNewPass(p passItem) (graph.Pass, error) {
	id, noID := need("id", p.ID)
	code, noCode := need("temporaryAccessPass", p.Code)
	start, noStart := need("startDateTime", p.Start)
	minutes, noMinutes := need("lifetimeInMinutes", p.Minutes)
	once, noOnce := need("isUsableOnce", p.Once)
	if err := errors.Join(noID, noCode, noStart, noMinutes, noOnce); err != nil {
		return graph.Pass{}, err
	}
	return graph.Pass{ID: id, Code: graph.NewSecret(code), Start: start.UTC(), Lifetime: time.Duration(minutes) * time.Minute, Once: once}, nil
}

// SetSignInPreference sends PATCH /users/{id}/authentication/signInPreferences
// to beta. Without a method it changes only who chooses.
func (c *Client) SetSignInPreference(ctx context.Context, userID string, p graph.SignInPreference) (graph.Receipt, error) {
	body := object{"isSystemPreferredAuthenticationMethodEnabled": p.System}
	if p.Method != "" {
		body["userPreferredMethodForSecondaryAuthentication"] = p.Method
	}
	return c.changeUser(ctx, setSignInPreference, userID, change{method: abstractions.PATCH, address: "/authentication/signInPreferences", body: body})
}

// SetPerUserMFA sends PATCH /users/{id}/authentication/requirements to beta.
func (c *Client) SetPerUserMFA(ctx context.Context, userID string, s graph.PerUserMFA) (graph.Receipt, error) {
	if s != graph.PerUserDisabled && s != graph.PerUserEnabled && s != graph.PerUserEnforced {
		return graph.Receipt{}, mistake(setPerUserMFA, "Per-user MFA has no such state.")
	}
	return c.changeUser(ctx, setPerUserMFA, userID, change{method: abstractions.PATCH, address: "/authentication/requirements", body: object{"perUserMfaState": s}})
}
