package link

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
)

// trouble is something that whoever runs the bot has to mend.
type trouble struct {
	error
	hint string
}

// Hint says what to do.
func (t trouble) Hint() string { return t.hint }

// Unwrap returns the error itself.
func (t trouble) Unwrap() error { return t.error }

// Check looks whether people can sign in, and reports each thing that it looked
// at, with the error if it is wrong. It signs nobody in: it asks for a sign-in
// without a person, and brings a code that is none.
func (p *Page) Check(ctx context.Context, report func(name string, err error)) {
	_, err := p.entra.found(ctx)
	if err != nil {
		err = trouble{err, "Check tenants[0].id and graph.authority_url, and whether this machine can reach that."}
	}
	report("sign-in service", err)
	if err != nil {
		return
	}
	report("sign-in address", p.entra.sendsBack(ctx))
	report("sign-in secret", p.entra.knowsApp(ctx))
}

// sendsBack reports whether the app registration has the page's address: Entra
// sends a browser there to say that nobody is signed in, and keeps it otherwise.
func (e *entra) sendsBack(ctx context.Context) error {
	to, err := e.address(ctx, newAttempt())
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.Replace(to, "prompt=login", "prompt=none", 1), nil)
	if err != nil {
		return err
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	back := RedirectURL(e.cfg.PublicURL)
	if !strings.HasPrefix(answer.Header.Get("Location"), back+"?") {
		return trouble{
			fmt.Errorf("the app registration does not send people back to %s", back),
			"Add that address to the app registration " + e.cfg.ClientID + " as a redirect URI of the platform Web, or correct web.sign_in.client_id.",
		}
	}
	return nil
}

// knowsApp reports whether the secret is the app's: only then it is told that
// the code is none.
func (e *entra) knowsApp(ctx context.Context) error {
	p, err := e.found(ctx)
	if err != nil {
		return err
	}
	_, err = e.app(p).Exchange(context.WithValue(ctx, oauth2.HTTPClient, e.client), "none", oauth2.VerifierOption(oauth2.GenerateVerifier()))
	var said *oauth2.RetrieveError
	switch {
	case !errors.As(err, &said):
		return err
	case said.ErrorCode == "invalid_grant":
		return nil
	default:
		text, _, _ := strings.Cut(said.ErrorDescription, " Trace ID:")
		return trouble{fmt.Errorf("the app registration cannot sign in: %s", printable(text)), "Make a new client secret in the app registration, and put its value where web.sign_in.client_secret says."}
	}
}
