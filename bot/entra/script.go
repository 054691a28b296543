package entra

import (
	"fmt"
	"strings"
)

// Plan says for whom the app registrations are.
type Plan struct {
	Tenant    string   // the directory's ID
	Authority string   // "https://login.microsoftonline.com"
	Changes   []string // the kinds of change that are switched on
	// Redirect is the address to which people are sent back after they signed in
	// on the linking page; empty if there is none.
	Redirect string
	Mail     string // the mailbox that people are mailed from; empty: nobody is
}

// Script returns a shell script for the Azure CLI that makes the app
// registrations with a certificate each, and says in its comments how to do the
// same by hand. It consents to nothing: that is done by an administrator in a
// browser, at the addresses that it prints.
func Script(p Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, `#!/usr/bin/env bash
# Makes the app registrations of Twokey in Microsoft Entra. It needs the Azure
# CLI, signed in by somebody who may register apps ("az login --tenant %[1]s
# --allow-no-subscriptions"), and openssl. Read it before you run it: below each
# permission stands what it is for.
#
# By hand, in the Entra admin centre: App registrations, New registration, the
# name below, this organizational directory only. Then Certificates & secrets,
# Upload certificate. Then API permissions, Add a permission, Microsoft Graph,
# Application permissions, each one below. Then Grant admin consent.
#
# None of them lets an app send mail. Where that is wanted (mail_from), do not
# grant Mail.Send here, which is for every mailbox: give it for one by RBAC for
# Applications in Exchange Online (docs/entra.md).
set -euo pipefail
tenant=%[1]s
graph=00000003-0000-0000-c000-000000000000 # Microsoft Graph, in every tenant

# register NAME FILE PERMISSION... makes an app with a certificate of a year.
register() {
	local name=$1 file=$2 app role
	shift 2
	app=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
	az ad sp create --id "$app" --output none
	(umask 077 && openssl req -x509 -newkey rsa:3072 -noenc -sha256 -days 365 -subj "/CN=$name" -keyout "$file.key" -out "$file.crt" 2>/dev/null && cat "$file.key" "$file.crt" >"$file.pem")
	az ad app credential reset --id "$app" --append --cert "@$file.crt" --output none
	rm "$file.key" "$file.crt"
	for permission in "$@"; do
		role=$(az ad sp show --id "$graph" --query "appRoles[?value=='$permission'].id" --output tsv)
		az ad app permission add --id "$app" --api "$graph" --api-permissions "$role=Role" --output none 2>/dev/null
	done
	echo "$name: client_id: $app, certificate_file: $file.pem"
	echo "  An administrator consents at %[2]s/$tenant/adminconsent?client_id=$app"
}
`, p.Tenant, p.Authority)
	section(&b, "Twokey reads", "reader", "It reads all day and can change nothing.", Reader())
	if p.Redirect != "" {
		signIn(&b, p)
	}
	if len(p.Changes) == 0 && p.Mail != "" {
		section(&b, "Twokey changes", "writer", "It sends mail and changes nothing, as no kind of change is switched on.", nil)
	} else if len(p.Changes) == 0 {
		b.WriteString("\n# No kind of change is switched on, so that there is no app that changes anything.\n" +
			"# Begin like this; “changes:” in the configuration switches them on one by one.\n")
		return b.String()
	}
	if len(p.Changes) > 0 {
		section(&b, "Twokey changes", "writer", "It makes the changes that were approved: "+strings.Join(p.Changes, ", ")+".", Writer(p.Changes))
	}
	if p.Mail != "" {
		fmt.Fprintf(&b, "\n# “Twokey changes” may send mail from %s alone once it is allowed to in Exchange\n# Online: docs/entra.md, under “Mail”, has the four lines.\n", p.Mail)
	}
	return b.String()
}

// signIn writes how the app registration of the linking page is made. auth_time
// is asked for because the page believes no sign-in of which it does not know
// when it was, and acrs because a second factor shows by nothing else.
func signIn(b *strings.Builder, p Plan) {
	fmt.Fprintf(b, `
# People sign in to it on the linking page. It may do nothing, and nobody has to
# consent.
#
# By hand: New registration, the name below, this organizational directory only,
# and as redirect URI of the platform Web the address below. Then Token
# configuration, Add optional claim, ID, auth_time and acrs. Then Certificates &
# secrets, New client secret.
redirect=%[1]s
signin=$(az ad app create --display-name "Twokey signs in" --sign-in-audience AzureADMyOrg --web-redirect-uris "$redirect" --optional-claims '{"idToken":[{"name":"auth_time"},{"name":"acrs"}]}' --query appId --output tsv)
az ad sp create --id "$signin" --output none
(umask 077 && az ad app credential reset --id "$signin" --append --display-name "linking page" --years 1 --query password --output tsv >sign-in.secret)
echo "Twokey signs in: web.sign_in.client_id: $signin, client_secret_file: sign-in.secret"
`, p.Redirect)
}

func section(b *strings.Builder, name, file, what string, needs []Need) {
	fmt.Fprintf(b, "\n# %s\n", what)
	var names []string
	for _, n := range needs {
		note := ""
		if n.TierZero {
			note = " [tier 0: whoever holds this key can let themselves in as anybody; guard it like an administrator]"
		}
		switch {
		case n.Permission == broad:
			fmt.Fprintf(b, "#   not asked for: %s, for %s; without it that is left out%s\n", n.Permission, n.Gives, note)
		default:
			fmt.Fprintf(b, "#   %s: %s%s\n", n.Permission, n.Gives, note)
			names = append(names, string(n.Permission))
		}
	}
	fmt.Fprintf(b, "register %s\n", strings.Join(append([]string{fmt.Sprintf("%q %s", name, file)}, names...), " \\\n\t"))
}
