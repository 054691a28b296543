package entra_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"twokey/bot/entra"
	"twokey/commands"
	"twokey/graph"
)

// Every kind of change has a permission of its own, as narrow as there is, and
// the reader none that changes anything.
func TestU08NarrowPermissions(t *testing.T) {
	t.Parallel()
	for _, kind := range commands.Kinds() {
		needs := entra.Writer([]string{kind})
		if !slices.ContainsFunc(needs, func(n entra.Need) bool {
			return n.Required && !strings.Contains(string(n.Permission), ".Read.")
		}) {
			t.Errorf("%s needs %v, which changes nothing", kind, needs)
		}
		for _, n := range needs {
			if n.Required && n.Permission == "UserAuthenticationMethod.ReadWrite.All" {
				t.Errorf("%s asks for the broad %s", kind, n.Permission)
			}
		}
	}
	for _, n := range entra.Reader() {
		if strings.Contains(string(n.Permission), "Write") || n.TierZero {
			t.Errorf("the reader could change something: %+v", n)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	needs := []entra.Need{{Permission: "User.Read.All"}, {Permission: "GroupMember.Read.All"}, {Permission: "Policy.Read.All"}}
	d := entra.Compare(needs, []graph.Permission{"User.Read.All", "Directory.Read.All", "Mail.Send"})
	if len(d.Missing) != 1 || d.Missing[0].Permission != "Policy.Read.All" {
		t.Errorf("missing %v", d.Missing)
	}
	if !slices.Equal(d.Excess, []graph.Permission{"Directory.Read.All", "Mail.Send"}) {
		t.Errorf("excess %v", d.Excess)
	}
}

// The script is run with programs in place of az and openssl that write down
// what they are asked.
func TestScript(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	folder := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	put("az", `#!`+bash+`
echo "$*" >> asked
case "$*" in
*"app create"*"Twokey reads"*) echo app-1 ;;
*"app create"*"Twokey signs in"*) echo app-3 ;;
*"app create"*) echo app-2 ;;
*"credential reset"*password*) echo a-secret ;;
*"sp show"*) [[ "$*" =~ value==\'([^\']*)\' ]] && echo "role-of-${BASH_REMATCH[1]}" ;;
esac
`)
	put("openssl", `#!`+bash+`
while [ $# -gt 0 ]; do case $1 in -keyout|-out) echo "$1" >"$2" ;; esac; shift; done
`)
	put("entra.sh", entra.Script(entra.Plan{Tenant: "11111111-2222-4333-8444-555555555555", Authority: "https://login.microsoftonline.com", Changes: []string{"tap", "defaults"}, Redirect: "https://twokey.vale.example/link/signed-in"}))
	run := exec.CommandContext(context.Background(), bash, "entra.sh")
	run.Dir, run.Env = folder, []string{"PATH=" + folder + ":" + os.Getenv("PATH")}
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		"Twokey reads: client_id: app-1, certificate_file: reader.pem",
		"https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/adminconsent?client_id=app-1",
		"Twokey changes: client_id: app-2, certificate_file: writer.pem",
		"Twokey signs in: web.sign_in.client_id: app-3, client_secret_file: sign-in.secret",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	asked, err := os.ReadFile(filepath.Join(folder, "asked"))
	if err != nil {
		t.Fatal(err)
	}
	for app, needs := range map[string][]entra.Need{"app-1": entra.Reader(), "app-2": entra.Writer([]string{"tap", "defaults"})} {
		for _, n := range needs {
			line := "ad app permission add --id " + app + " --api 00000003-0000-0000-c000-000000000000 --api-permissions role-of-" + string(n.Permission) + "=Role"
			if !strings.Contains(string(asked), line) {
				t.Errorf("%s is not given %s", app, n.Permission)
			}
		}
	}
	if strings.Count(string(asked), "permission add") != len(entra.Reader())+len(entra.Writer([]string{"tap", "defaults"})) {
		t.Errorf("asked for more than is needed:\n%s", asked)
	}
	if !strings.Contains(string(asked), "--web-redirect-uris https://twokey.vale.example/link/signed-in --optional-claims "+`{"idToken":[{"name":"auth_time"},{"name":"acrs"}]}`) || strings.Contains(string(asked), "permission add --id app-3") {
		t.Errorf("the app that people sign in to is not as it must be:\n%s", asked)
	}
	for file, there := range map[string]bool{"reader.pem": true, "writer.pem": true, "sign-in.secret": true, "reader.key": false, "writer.crt": false} {
		info, err := os.Stat(filepath.Join(folder, file))
		if (err == nil) != there || (there && info.Mode().Perm() != 0o600) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
