package simtenant

import (
	"encoding/json"
	"net/http"
	"strings"
)

// maxRecipients is how many people one message may go to.
const maxRecipients = 500

// message is a message as far as it is looked at.
type message struct {
	ToRecipients           []recipient `json:"toRecipients"`
	CcRecipients           []recipient `json:"ccRecipients"`
	BccRecipients          []recipient `json:"bccRecipients"`
	InternetMessageHeaders []struct {
		Name string `json:"name"`
	} `json:"internetMessageHeaders"`
}

type recipient struct {
	EmailAddress struct {
		Address string `json:"address"`
	} `json:"emailAddress"`
}

// sendMail takes a message from somebody's mailbox. The ledger keeps it, and
// nothing else does: who sent it gets no id.
func sendMail(c *call) (*answer, error) {
	m, err := c.message()
	if err != nil {
		return nil, err
	}
	return c.apply(func(e Effect) (func(), *answer, error) {
		d := c.t.draftAt(e.At)
		i, ok := d.find(c.vars[0])
		if !ok {
			return nil, nil, refuse(http.StatusNotFound, "ResourceNotFound", "Resource could not be discovered.")
		}
		if a, _ := d.account(i); a.mail == "" || a.kind == guest {
			return nil, nil, refuse(http.StatusNotFound, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")
		}
		if err := m.check(); err != nil {
			return nil, nil, err
		}
		return func() {}, &answer{status: http.StatusAccepted}, nil
	})
}

func (c *call) message() (*message, error) {
	var body struct {
		Message *message `json:"message"`
		Save    *bool    `json:"saveToSentItems"` // has to be a boolean
	}
	if err := json.Unmarshal(c.body, &body); err != nil || body.Message == nil {
		return nil, refuse(http.StatusBadRequest, "RequestBodyRead", "The request body has no message of the expected form.")
	}
	return body.Message, nil
}

// check wants somebody to send to, and of headers only those that are one's own.
func (m *message) check() error {
	people := 0
	for _, list := range [][]recipient{m.ToRecipients, m.CcRecipients, m.BccRecipients} {
		for _, r := range list {
			if people++; !isAddress(r.EmailAddress.Address) {
				return refuse(http.StatusBadRequest, "ErrorInvalidRecipients", "At least one recipient is not valid.")
			}
		}
	}
	if people == 0 || people > maxRecipients {
		return refuse(http.StatusBadRequest, "ErrorInvalidRecipients", "A message goes to between 1 and 500 recipients.")
	}
	for _, h := range m.InternetMessageHeaders {
		if !strings.HasPrefix(strings.ToLower(h.Name), "x-") {
			return refuse(http.StatusBadRequest, "InvalidInternetMessageHeader", "The internet message header name '"+h.Name+"' should start with 'x-' or 'X-'.")
		}
	}
	return nil
}
