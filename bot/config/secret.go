package config

import (
	"net/url"
	"os"
	"runtime"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"twokey/graph"
)

// secret is a value that the file names and does not hold: name_file and
// name_env, and the bare name to be refused.
func secret(name string, into *graph.Secret) section {
	return section{
		{name: name + "_file", is: secretFrom(into, name, "_env", fromFile)},
		{name: name + "_env", is: secretFrom(into, name, "_file", fromEnv)},
		{name: name, is: inline(name)},
	}
}

// secretFrom reads a secret from where a value says, unless its other key
// stands there too.
func secretFrom(into *graph.Secret, name, other string, from func(*reader, string) (string, string)) sibling {
	return func(r *reader, key, s string) string {
		above := strings.TrimSuffix(key, key[strings.LastIndex(key, "_"):])
		if r.given(above+other) || r.given(above) {
			return name + " is given twice; take one of its keys out"
		}
		text, wrong := from(r, s)
		*into = graph.NewSecret(text)
		return wrong
	}
}

// sibling is a value that must know its key.
type sibling func(r *reader, key, text string) string

func (sibling) keys(string) []string { return nil }

func (sibling) fill(*reader) {}

func (sibling) schema(string, *guidebook) form { return texts(`.`) }

func (s sibling) read(r *reader, key string, n ast.Node) {
	value{take: func(r *reader, text string) string { return s(r, key, text) }}.read(r, key, n)
}

// fromFile reads a secret's file. The end of its last line is not part of a
// secret, but in a PKCS #12 file it may be: that is left as it is.
func fromFile(r *reader, name string) (text, wrong string) {
	path := r.path(name)
	raw, err := readFile(path)
	switch {
	case err != nil:
		// The name is not repeated: some put the secret itself there.
		return "", "the file of the secret " + Unread(err)
	case openToAll(path):
		return "", "everybody on this machine may read the file of the secret; take that away (chmod o= on it)"
	}
	text = string(raw)
	if !strings.ContainsRune(text, 0) {
		text = strings.TrimRight(text, "\r\n")
	}
	if text == "" {
		return "", "the file of the secret is empty; put the secret into it"
	}
	return text, ""
}

// openToAll reports whether users who are neither the file's owner nor in its
// group may read it. Windows has no such bits.
func openToAll(path string) bool {
	info, err := os.Stat(path)
	return err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0
}

// fromEnv reads a secret from the environment.
func fromEnv(r *reader, name string) (text, wrong string) {
	if !variable.MatchString(name) {
		return "", "want the name of an environment variable that holds the secret, as TWOKEY_SLACK_TOKEN"
	}
	text, ok := r.options.Getenv(name)
	if !ok || text == "" {
		return "", "this environment variable is not set; set it where the bot is started"
	}
	return text, ""
}

// inline is a secret that was written into the file, and is never repeated.
type inline string

func (inline) keys(string) []string { return nil }

func (inline) fill(*reader) {}

func (inline) schema(string, *guidebook) form { return nil }

func (i inline) read(r *reader, key string, n ast.Node) {
	r.wrong(lineOf(n), key, "a secret does not belong in this file; name where it is with %s_file or %s_env", i, i)
}

// dsn takes the database. One without a password may stand in the file.
func dsn(into *graph.Secret) section {
	s := secret("dsn", into)
	s[2].is = sibling(func(r *reader, key, text string) string {
		switch {
		case r.given(key+"_file") || r.given(key+"_env"):
			return "dsn is given twice; take one of its keys out"
		case server(text) && holdsPassword(text):
			return "a password does not belong in this file; name where the whole DSN is with dsn_file or dsn_env"
		case server(text):
			*into = graph.NewSecret(text)
		case strings.Contains(text, "://"):
			return "want the name of a file, or postgres://…"
		default:
			*into = graph.NewSecret(r.path(text))
		}
		return ""
	})
	return s
}

func server(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// holdsPassword reports whether a server's DSN has a password, or cannot be
// told not to.
func holdsPassword(dsn string) bool {
	u, err := url.Parse(dsn)
	if err != nil {
		return true
	}
	_, named := u.User.Password()
	for key := range u.Query() {
		named = named || strings.Contains(key, "password")
	}
	return named || strings.Contains(u.RawQuery, "password")
}
