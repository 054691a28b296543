package chattest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"twokey/chat"
)

// Harness is an adapter at work on a platform that a test can look at and act
// on. Ada and Bea share a channel with the bot; Sam is somewhere else.
type Harness interface {
	chat.Poster
	// Account and Channel are whom and what there is, by the names above.
	Account(name string) chat.Account
	Channel() chat.Address
	// Command types the bot's command with what follows it, in the channel or
	// in the person's own messages with the bot.
	Command(name string, aloud bool, text string)
	// Mention says something to the bot, in the same places.
	Mention(name string, aloud bool, text string)
	// Press presses the button with a label of the message with an ID, and
	// fills in its form if fields are not nil. The error is the platform's or
	// the adapter's, that a form is not filled in right.
	Press(name, id, label string, fields map[string]string) error
	// Seen returns all that somebody can see of the bot, oldest first.
	Seen(name string) []Seen
	// Kept is everything that somebody's client, the platform and the adapter
	// still hold once they have left and come back.
	Kept(name string) string
	// Until waits until something holds, and fails the test if it never does.
	Until(what string, holds func() bool)
}

// Deaf is what a harness is whose platform tells the bot of no free text: there
// is no Mention to be heard.
type Deaf interface{ Deaf() }

// Seen is a message as somebody sees it.
type Seen struct {
	ID      string // as [chat.Poster] returned it
	Text    string // all that is read, in order
	Buttons []string
	Files   map[string]string // their content by name
	Picture bool
	// Follows are the people whom it pings and the addresses that it leads to.
	Follows []string
}

// Run holds an adapter to what every adapter promises. Start starts one with a
// handler; it ends with the test.
func Run(t *testing.T, start func(t *testing.T, h chat.Handler) Harness) {
	for name, test := range map[string]func(t *testing.T, s *scene){
		"a command is answered in private":     commandInPrivate,
		"what is said aloud all can hear":      sayAloud,
		"free text is heard":                   mention,
		"a press brings its value":             press,
		"a press brings its form":              pressWithForm,
		"a key posts once":                     postOnce,
		"an edit replaces":                     edit,
		"a secret is shown once":               secret,
		"a private address is private":         privateAddress,
		"messages keep their order":            order,
		"hostile text does nothing":            hostileText,
		"what is cut says so":                  cut,
		"an address of nobody is an error":     nobody,
		"capabilities are true":                capabilities,
		"a file and a picture come":            attachments,
		"a message of any kind can be shown":   everyFixture,
		"a handler's own trouble stays inside": trouble,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scene{t: t}
			s.Harness = start(t, s)
			test(t, s)
		})
	}
}

// scene is one test: a harness, and what its handler has heard.
type scene struct {
	Harness
	t *testing.T

	mu     sync.Mutex
	heard  []chat.Event
	answer func(ctx context.Context, r chat.Responder, e chat.Event) error
}

// Handle implements chat.Handler.
func (s *scene) Handle(ctx context.Context, r chat.Responder, e chat.Event) error {
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	var err error
	if answer != nil {
		err = answer(ctx, r, e)
	}
	s.mu.Lock()
	s.heard = append(s.heard, e)
	s.mu.Unlock()
	return err
}

// answers sets what the handler does.
func (s *scene) answers(f func(ctx context.Context, r chat.Responder, e chat.Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// replies has the handler answer everything in private.
func (s *scene) replies(m chat.Message) {
	s.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error { return r.Reply(ctx, m) })
}

func (s *scene) events() []chat.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

// event waits for the nth event to have been handled, from 1.
func (s *scene) event(n int) chat.Event {
	s.t.Helper()
	s.Until("the event was handled", func() bool { return len(s.events()) >= n })
	return s.events()[n-1]
}

// post posts a message and returns its ID.
func (s *scene) post(to chat.Address, key string, m chat.Message) string {
	s.t.Helper()
	id, err := s.Post(s.t.Context(), to, key, m)
	if err != nil {
		s.t.Fatalf("post %s: %v", key, err)
	}
	return id
}

// find returns the message that holds a text, as somebody sees it.
func (s *scene) find(name, text string) (Seen, bool) {
	for _, m := range s.Seen(name) {
		if strings.Contains(m.Text, text) {
			return m, true
		}
	}
	return Seen{}, false
}

// sees fails the test unless exactly those people see a text.
func (s *scene) sees(text string, who ...string) {
	s.t.Helper()
	for _, name := range who {
		s.Until(name+" sees "+text, func() bool { _, ok := s.find(name, text); return ok })
	}
	for _, name := range []string{"ada", "bea", "sam"} {
		if _, ok := s.find(name, text); ok != slices.Contains(who, name) {
			s.t.Errorf("that %s sees %q is %t", name, text, ok)
		}
	}
}

// at returns the message with an ID as somebody sees it.
func (s *scene) at(name, id string) Seen {
	s.t.Helper()
	for _, m := range s.Seen(name) {
		if m.ID == id {
			return m
		}
	}
	s.t.Fatalf("%s does not see the message %s", name, id)
	return Seen{}
}

func (s *scene) direct(name string) chat.Address { return chat.Direct(s.Account(name)) }

var errTrouble = errors.New("the handler is in trouble")
