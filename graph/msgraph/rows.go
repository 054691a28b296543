package msgraph

import (
	"cmp"
	"errors"
	"strings"

	"twokey/graph"
)

// The rows of the long lists: from Graph's JSON into graph values at once.
// Their members come in any order, and those that are not ours are passed over.

// userRow takes null for "no" in two places, because Entra means it so: an
// account that was never synchronised has no onPremisesSyncEnabled, and one
// from before 2014 has no userType and is a member.
func userRow(d *decoder, u *graph.User) (keep bool, _ error) {
	var enabled, licences bool // were said
	err := d.object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			return d.text(&u.ID)
		case "displayName":
			return d.text(&u.Name)
		case "userPrincipalName":
			return d.text(&u.UPN)
		case "mail":
			return d.text(&u.Mail)
		case "department":
			return d.word(&u.Department)
		case "userType":
			var kind string
			err = d.word(&kind)
			u.Guest = strings.EqualFold(kind, "Guest")
		case "accountEnabled":
			enabled, err = d.flag(&u.Enabled)
		case "onPremisesSyncEnabled":
			_, err = d.flag(&u.Synced)
		case "assignedLicenses":
			licences, err = d.anything(&u.Licensed)
		case "createdDateTime":
			return d.moment(&u.Created)
		default:
			return d.Skip()
		}
		return err
	})
	if err != nil {
		return false, err
	}
	return true, missing(
		told{"id", u.ID != ""}, told{"userPrincipalName", u.UPN != ""},
		told{"accountEnabled", enabled}, told{"assignedLicenses", licences})
}

// anything reads a list of whatever and says whether it holds anything; null
// is no list.
func (d *decoder) anything(found *bool) (said bool, _ error) {
	*found = false
	if d.null() {
		return false, d.Null()
	}
	return true, d.list(func() error {
		*found = true
		return d.Skip()
	})
}

// registrationRow keeps only rows that have their figures.
func registrationRow(d *decoder, r *graph.Registration) (keep bool, _ error) {
	var registered, capable, methods bool // were said
	err := d.object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			return d.text(&r.UserID)
		case "isMfaRegistered":
			registered, err = d.flag(&r.Registered)
		case "isMfaCapable":
			capable, err = d.flag(&r.Capable)
		case "methodsRegistered":
			methods, err = d.wordList(&r.Methods)
		case "lastUpdatedDateTime":
			return d.moment(&r.AsOf)
		default:
			return d.Skip()
		}
		return err
	})
	if err != nil {
		return false, err
	}
	return registered && capable && methods, missing(told{"id", r.UserID != ""})
}

// wordList reads a list of words; null is no list.
func (d *decoder) wordList(into *[]string) (said bool, _ error) {
	if d.null() {
		return false, d.Null()
	}
	*into = []string{}
	return true, d.list(func() error {
		var w string
		if err := d.word(&w); err != nil {
			return err
		}
		if w == "" {
			return errMissing("word in a list")
		}
		*into = append(*into, w)
		return nil
	})
}

// legacyRow keeps sign-ins by legacy clients. It takes the log's own word on
// interactivity, or else which log it was.
func legacyRow(interactive bool) func(*decoder, *graph.SignIn) (bool, error) {
	row := signInRow(interactive)
	return func(d *decoder, s *graph.SignIn) (keep bool, _ error) {
		_, err := row(d, s)
		return err == nil && graph.LegacyClient(s.Client), err
	}
}

// signInRow reads a sign-in by any client.
func signInRow(interactive bool) func(*decoder, *graph.SignIn) (bool, error) {
	return func(d *decoder, s *graph.SignIn) (keep bool, _ error) {
		s.Interactive = interactive
		outcome := false // was said
		err := d.object(func(name []byte) (err error) {
			switch string(name) {
			case "userId":
				return d.text(&s.UserID)
			case "userPrincipalName":
				return d.text(&s.UPN)
			case "clientAppUsed":
				return d.word(&s.Client)
			case "appDisplayName":
				return d.word(&s.App)
			case "deviceDetail":
				return d.device(&s.Device)
			case "createdDateTime":
				return d.moment(&s.At)
			case "isInteractive":
				_, err = d.flag(&s.Interactive)
			case "status":
				outcome, err = d.outcome(&s.ErrorCode)
			default:
				return d.Skip()
			}
			return err
		})
		if err != nil {
			return false, err
		}
		return true, missing(told{"createdDateTime", !s.At.IsZero()}, told{"status/errorCode", outcome})
	}
}

// outcome reads a sign-in's status and reports whether it holds a code.
func (d *decoder) outcome(code *int) (said bool, _ error) {
	_, err := d.objectOrNull(func(name []byte) (err error) {
		if string(name) != "errorCode" {
			return d.Skip()
		}
		said, err = d.number(code)
		return err
	})
	return said, err
}

// device reads what a sign-in came from: its name, or its system.
func (d *decoder) device(into *string) error {
	var name, system string
	_, err := d.objectOrNull(func(member []byte) error {
		switch string(member) {
		case "displayName":
			return d.text(&name)
		case "operatingSystem":
			return d.word(&system)
		default:
			return d.Skip()
		}
	})
	*into = cmp.Or(name, system)
	return err
}

// told says whether a member that must be there was.
type told struct {
	member string
	said   bool
}

// missing is the error of the members that are null or not there, if any.
func missing(members ...told) error {
	var all error
	for _, m := range members {
		if !m.said {
			all = errors.Join(all, errMissing(m.member))
		}
	}
	return all
}
