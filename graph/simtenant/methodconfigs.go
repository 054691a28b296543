package simtenant

import (
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"

	"twokey/graph"
)

// methodConfigKind is one of the methods that the policy configures.
type methodConfigKind struct {
	id      string // as Graph spells it; paths do not care for case
	typ     string // "…AuthenticationMethodConfiguration" without its end
	on      bool
	version string   // where only one knows it: "v1.0" or "beta"
	members document // beside state and targets, as the tenant begins
	shape   shape    // of these
	target  document // what an includeTarget holds beside the usual
}

var featureShape = shape{
	"state":         oneOf("default", "enabled", "disabled"),
	"includeTarget": shape{"id": text, "targetType": text}.check, "excludeTarget": shape{"id": text, "targetType": text}.check,
}.check

var keyRestrictions = shape{"isEnforced": flag, "enforcementType": oneOf("allow", "block"), "aaGuids": textList}.check

// Configurations that are asked for by name.
const (
	passConfigID     = "TemporaryAccessPass"
	externalConfigID = "5c1f4e92-3d0b-4a7e-9a53-0f6d2be4c7a1"
)

// methodConfigKinds are the configurations of a tenant. An external method has
// an id of its own, a GUID.
var methodConfigKinds = []methodConfigKind{
	{
		id: "Fido2", typ: "fido2", on: true, target: document{"allowedPasskeyProfiles": []any{}},
		members: document{
			"isSelfServiceRegistrationAllowed": true, "isAttestationEnforced": false, "defaultPasskeyProfile": nil, "passkeyProfiles": []any{},
			"keyRestrictions": document{"isEnforced": false, "enforcementType": "block", "aaGuids": []any{}},
		},
		shape: shape{
			"isSelfServiceRegistrationAllowed": flag, "isAttestationEnforced": flag, "keyRestrictions": keyRestrictions,
			"defaultPasskeyProfile": text, "passkeyProfiles": listOf(anything),
		},
	},
	{
		id: "MicrosoftAuthenticator", typ: "microsoftAuthenticator", on: true, target: document{"authenticationMode": "any"},
		members: document{"isSoftwareOathEnabled": false, "featureSettings": document{
			"displayAppInformationRequiredState": featureOff(), "displayLocationInformationRequiredState": featureOff(),
		}},
		shape: shape{"isSoftwareOathEnabled": flag, "featureSettings": shape{
			"displayAppInformationRequiredState": featureShape, "displayLocationInformationRequiredState": featureShape,
			"companionAppAllowedState": featureShape, "numberMatchingRequiredState": featureShape,
		}.check},
	},
	{id: "Sms", typ: "sms", on: true, target: document{"isUsableForSignIn": false}},
	{
		id: passConfigID, typ: "temporaryAccessPass", on: true,
		members: document{
			"minimumLifetimeInMinutes": 60, "maximumLifetimeInMinutes": 480, "defaultLifetimeInMinutes": 60, "defaultLength": 8, "isUsableOnce": false,
		},
		shape: shape{
			"minimumLifetimeInMinutes": between(10, 43200), "maximumLifetimeInMinutes": between(10, 43200),
			"defaultLifetimeInMinutes": between(10, 43200), "defaultLength": between(8, 48), "isUsableOnce": flag,
		},
	},
	{id: "HardwareOath", typ: "hardwareOath", version: "beta"},
	{id: "SoftwareOath", typ: "softwareOath", on: true},
	{id: "Voice", typ: "voice", members: document{"isOfficePhoneAllowed": false}, shape: shape{"isOfficePhoneAllowed": flag}},
	{
		id: "Email", typ: "email", on: true, members: document{"allowExternalIdToUseEmailOtp": "default"},
		shape: shape{"allowExternalIdToUseEmailOtp": oneOf("default", "enabled", "disabled")},
	},
	{
		id: "X509Certificate", typ: "x509Certificate",
		members: document{
			"certificateUserBindings": []any{document{"x509CertificateField": "PrincipalName", "userProperty": "userPrincipalName", "priority": 1, "trustAffinityLevel": "low"}},
			"authenticationModeConfiguration": document{
				"x509CertificateAuthenticationDefaultMode": "x509CertificateSingleFactor", "x509CertificateDefaultRequiredAffinityLevel": "low", "rules": []any{},
			},
			"certificateAuthorityScopes": []any{}, "issuerHintsConfiguration": document{"state": "disabled"},
			"crlValidationConfiguration": document{"state": "disabled", "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": []any{}},
		},
		shape: shape{
			"certificateUserBindings": listOf(anything), "authenticationModeConfiguration": anything, "certificateAuthorityScopes": listOf(anything),
			"issuerHintsConfiguration": anything, "crlValidationConfiguration": anything,
		},
	},
	{id: "VerifiableCredentials", typ: "verifiableCredentials", version: "v1.0", target: document{"verifiedIdProfiles": []any{}}},
	{
		id: "QRCodePin", typ: "qrCodePin", version: "v1.0", members: document{"pinLength": 8, "standardQRCodeLifetimeInDays": 365},
		shape: shape{"pinLength": between(8, 20), "standardQRCodeLifetimeInDays": between(1, 395)},
	},
	{
		id: externalConfigID, typ: "external", on: true,
		members: document{
			"displayName": "Partner MFA", "appId": "8d2f8f4e-7d41-4bb8-9f0a-6f1f6f0c2b11",
			"openIdConnectSetting": document{"clientId": "harbourvale", "discoveryUrl": "https://mfa.partner-one.example/.well-known/openid-configuration"},
		},
		shape: shape{"displayName": text, "appId": text, "openIdConnectSetting": shape{"clientId": text, "discoveryUrl": text}.check},
	},
}

func featureOff() document {
	return document{
		"state": "default", "includeTarget": document{"targetType": "group", "id": graph.AllUsers},
		"excludeTarget": document{"targetType": "group", "id": "00000000-0000-0000-0000-000000000000"},
	}
}

// initial is the configuration as a tenant begins: for everybody where it is on.
func (k *methodConfigKind) initial(passesOff bool) document {
	d := maps.Clone(k.members)
	if d == nil {
		d = document{}
	}
	everybody := document{"id": graph.AllUsers, "targetType": "group", "isRegistrationRequired": false}
	maps.Copy(everybody, k.target)
	d["@odata.type"] = "#microsoft.graph." + k.typ + "AuthenticationMethodConfiguration"
	d["id"], d["state"] = k.id, "disabled"
	d["includeTargets"], d["excludeTargets"] = []any{everybody}, []any{}
	if k.on && (k.id != passConfigID || !passesOff) {
		d["state"] = "enabled"
	}
	return d
}

// shown are the configurations that a version of Graph knows.
func (p *methodsPolicy) shown(version string) []any {
	list := []any{}
	for i, k := range methodConfigKinds {
		if k.version == "" || k.version == version {
			list = append(list, p.configs[i])
		}
	}
	return list
}

// config finds the configuration that the path names, by its place in the list.
func (c *call) config() (int, error) {
	i := slices.IndexFunc(methodConfigKinds, func(k methodConfigKind) bool {
		return strings.EqualFold(k.id, c.vars[0]) && (k.version == "" || k.version == c.version)
	})
	if i < 0 {
		return 0, refuse(http.StatusNotFound, "resourceNotFound", "The requested authentication method configuration '"+c.vars[0]+"' does not exist.")
	}
	return i, nil
}

var methodConfigSet = &set{typ: "microsoft.graph.authenticationMethodConfiguration"}

func listMethodConfigs(c *call) (*answer, error) {
	list := c.view.state.methods.shown(c.version)
	return c.list(methodConfigSet, "policies/authenticationMethodsPolicy/authenticationMethodConfigurations", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(list), func(i int) entity { return list[i].(document) })
	})
}

func getMethodConfig(c *call) (*answer, error) {
	i, err := c.config()
	if err != nil {
		return nil, err
	}
	return c.one(methodConfigSet, "policies/authenticationMethodsPolicy/authenticationMethodConfigurations", c.view.state.methods.configs[i])
}

func patchMethodConfig(c *call) (*answer, error) {
	i, err := c.config()
	if err != nil {
		return nil, err
	}
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := methodConfigKinds[i].wrong(d); wrong != "" {
		return nil, badRequest(wrong)
	}
	d = documents(d).(document)
	return c.change(func(old *state, e Effect) (*state, note, *answer, error) {
		was := old.methods.configs[i]
		config := maps.Clone(was)
		for k, v := range d {
			if k != "id" && !strings.Contains(k, "@odata.") {
				config[k] = v
			}
		}
		if err := checkPassLimits(config); err != nil {
			return nil, note{}, nil, err
		}
		p := *old.methods
		p.configs = slices.Clone(p.configs)
		p.configs[i] = config
		return old.withMethods(&p, e.At), methodsNote(was, config), &answer{status: http.StatusNoContent}, nil
	})
}

// wrong says what is wrong with a configuration in a body. It has to name its
// type, since the address does not say what members it may have.
func (k *methodConfigKind) wrong(d document) string {
	want := "#microsoft.graph." + k.typ + "AuthenticationMethodConfiguration"
	if d["@odata.type"] != want {
		return fmt.Sprintf("The '@odata.type' of this configuration has to be '%s'.", want)
	}
	extra := shape{}
	for name := range k.target {
		extra[name] = anything
	}
	extra["isRegistrationRequired"] = flag
	s := shape{"id": text, "state": oneOf("enabled", "disabled"), "includeTargets": listOf(target(extra)), "excludeTargets": listOf(target(nil))}
	maps.Copy(s, k.shape)
	return s.check("", d)
}
