package graph

import "strings"

// MethodKind tells authentication methods apart. Kinds that Graph adds later
// arrive as they are named there and count as nothing until they are known.
type MethodKind string

// The kinds, named as Graph's types without "AuthenticationMethod".
const (
	MethodPassword           MethodKind = "password"
	MethodPhone              MethodKind = "phone"
	MethodEmail              MethodKind = "email"
	MethodAuthenticator      MethodKind = "microsoftAuthenticator"
	MethodPasskey            MethodKind = "fido2"
	MethodSoftwareOATH       MethodKind = "softwareOath"
	MethodHardwareOATH       MethodKind = "hardwareOath"
	MethodTemporaryPass      MethodKind = "temporaryAccessPass"
	MethodWindowsHello       MethodKind = "windowsHelloForBusiness"
	MethodPlatformCredential MethodKind = "platformCredential"
	MethodExternal           MethodKind = "external"
)

// Strength is what a method is worth at sign-in.
type Strength int

// From worthless to phishing-resistant. A pass is temporary and counts as no
// registration; a password and an e-mail address are no second factor.
const (
	NotMFA Strength = iota
	PhoneMFA
	AppMFA
	PhishingResistant
)

// Strength returns the worth of a kind. Texts and calls stand apart from apps
// because Microsoft stops delivering them on 2027-02-01.
func (k MethodKind) Strength() Strength {
	switch k {
	case MethodPhone:
		return PhoneMFA
	case MethodAuthenticator, MethodSoftwareOATH, MethodHardwareOATH, MethodExternal:
		return AppMFA
	case MethodPasskey, MethodWindowsHello, MethodPlatformCredential:
		return PhishingResistant
	default:
		return NotMFA
	}
}

// String names the kind for people.
func (k MethodKind) String() string {
	switch k {
	case MethodPassword:
		return "password"
	case MethodPhone:
		return "phone (text or call)"
	case MethodEmail:
		return "e-mail (password reset only)"
	case MethodAuthenticator:
		return "Microsoft Authenticator"
	case MethodPasskey:
		return "passkey or security key"
	case MethodSoftwareOATH:
		return "code app"
	case MethodHardwareOATH:
		return "code token"
	case MethodTemporaryPass:
		return "Temporary Access Pass"
	case MethodWindowsHello:
		return "Windows Hello for Business"
	case MethodPlatformCredential:
		return "platform credential"
	case MethodExternal:
		return "external method"
	default:
		return "other method (" + string(k) + ")"
	}
}

// Strongest returns the best strength among methods.
func Strongest(methods []Method) Strength {
	best := NotMFA
	for _, m := range methods {
		best = max(best, m.Kind.Strength())
	}
	return best
}

// ReportedStrength returns the worth of a name in the registration report's
// methodsRegistered, whose vocabulary differs from the per-user method types.
func ReportedStrength(name string) Strength {
	switch strings.ToLower(name) {
	case "mobilephone", "alternatemobilephone", "officephone":
		return PhoneMFA
	case "microsoftauthenticatorpush", "microsoftauthenticatorpasswordless",
		"softwareonetimepasscode", "hardwareonetimepasscode":
		return AppMFA // phone sign-in spares the password, but can be phished
	case "fido2", "passkeydevicebound",
		"passkeydeviceboundauthenticator", "windowshelloforbusiness",
		"macossecureenclavekey", "certificatebasedauthentication":
		return PhishingResistant
	default:
		return NotMFA
	}
}

// LegacyClient reports whether a sign-in's clientAppUsed is legacy
// authentication. Empty and "Unknown" are unclear and not called legacy.
func LegacyClient(clientAppUsed string) bool {
	switch strings.ToLower(strings.TrimSpace(clientAppUsed)) {
	case "", "unknown", "browser", "mobile apps and desktop clients":
		return false
	default:
		return true
	}
}
