// Package chat is the vocabulary of a conversation, and is to us what net/http
// is to a web server: adapters turn a platform's traffic into [Event]s, a
// [Handler] answers them, and what it says leaves as a [Message] through a
// [Responder] or a [Poster]. No platform is named here.
//
// All text in a message is plain: an adapter escapes it for its platform, so
// that nothing a person or a tenant object is called can become a link, a
// mention or a button. Addresses that may be followed are [Link]s, and only we
// make them.
package chat

import "context"

// Account is one chat account, by IDs that never change and are never reused.
// Names, pictures and e-mail addresses shown in a chat say nothing about who
// somebody is and are not here.
type Account struct {
	Platform  string `json:"platform"`  // opaque to everybody but the adapter
	Workspace string `json:"workspace"` // workspace or server ID, empty if the platform has none
	User      string `json:"user"`
}

// Zero reports whether the account is empty.
func (a Account) Zero() bool { return a == Account{} }

// Address is where a message goes: a person's own messages, a channel, or, if
// both are set, a channel where only that person sees it.
type Address struct {
	Platform  string `json:"platform"`
	Workspace string `json:"workspace"`
	Channel   string `json:"channel,omitempty"`
	User      string `json:"user,omitempty"`
}

// Private reports whether one person alone will see what is sent there.
func (a Address) Private() bool { return a.User != "" }

// Direct returns the address of an account's own messages.
func Direct(a Account) Address {
	return Address{Platform: a.Platform, Workspace: a.Workspace, User: a.User}
}

// EventKind tells what a person did.
type EventKind int

// The kinds of event.
const (
	// Command is a typed command: Text holds the words after its name.
	Command EventKind = iota + 1
	// Mention is free text that is meant for the bot: a direct message, or
	// one that names it.
	Mention
	// Press is a pressed button; Fields hold its form, if it had one.
	Press
)

// Event is one thing that one person did. An adapter makes it only from
// authentic traffic.
type Event struct {
	// Key is the delivery's own name, the same if the platform delivers it
	// again and different for everything else that the person does.
	Key     string
	Kind    EventKind
	From    Account
	Locale  string // in which the platform shows itself to the person, like "pt-BR"; empty if it does not say
	Channel string // where it was done; empty in the person's own messages
	Text    string
	Button  string            // Press: the button's ID
	Value   string            // Press: the button's Value, as we made it
	Fields  map[string]string // Press: by form field ID
}

// Responder answers one event. Every answer is private to the person who
// caused it unless it is said aloud.
type Responder interface {
	// Reply answers privately.
	Reply(ctx context.Context, m Message) error
	// Say answers where the event happened, for everybody there to see.
	Say(ctx context.Context, m Message) error
}

// Handler answers events. The error is for the log: whatever the person
// should know has been replied.
type Handler interface {
	Handle(ctx context.Context, r Responder, e Event) error
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, r Responder, e Event) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, r Responder, e Event) error { return f(ctx, r, e) }

// Poster puts messages into the chat of one platform.
type Poster interface {
	// Post sends m and returns the platform's ID for it. The key names the
	// message across restarts: an adapter that knows of an earlier post with
	// the key returns that one's ID and posts nothing.
	Post(ctx context.Context, to Address, key string, m Message) (id string, err error)
	// Edit replaces the message that Post returned id for. Editing to the
	// same content is not an error.
	Edit(ctx context.Context, to Address, id string, m Message) error
	// Caps returns what the platform can show.
	Caps() Caps
}

// Audience says for whom a command is made, so that a platform can keep it out of
// the sight of others. It decides nothing: whoever may not run it is refused.
type Audience int

// The audiences.
const (
	ForEverybody Audience = iota
	ForReaders            // of figures and records
	ForChangers           // who ask for changes
)

// CommandSpec describes one command to adapters, which register and complete
// it, and to the help that is made from it.
type CommandSpec struct {
	Name    string   // one or two words: "defaults enable"
	Summary string   // one sentence for help
	Options []Option // positional, in order
	// Summaries are the summary in other languages, by their ISO 639-1 codes, as
	// far as there are any where all commands are listed for registration.
	Summaries map[string]string
	Example   string // one line as typed, without the leading name
	// Audience is set where all commands are listed for registration.
	Audience Audience
}

// Option is one argument of a command.
type Option struct {
	Name     string
	Summary  string
	Choices  []string // empty: any text
	Required bool
	Rest     bool // takes all remaining words
	// Flag says that it has no place of its own: it is typed as "--name value",
	// anywhere, or as "--name" alone if it is Bare.
	Flag bool
	Bare bool
	// Several says that it takes several names, with a comma after each but the last.
	Several bool
	// Of says whose names its values are, so that a platform can suggest some
	// while it is typed. What is typed at last may be any text all the same.
	Of Names
}

// Names is what the values of an option are names of.
type Names int

// What they may be names of.
const (
	OfAnything Names = iota
	OfAccounts       // of the directory
	OfRequests       // to change something
)

// Suggestion is a value that somebody may mean.
type Suggestion struct {
	Label string // how it is shown
	Value string // what is filled in
}

// Completer is a Handler that suggests values.
type Completer interface {
	// Suggest returns what the person behind an account may mean by what they
	// have typed so far into an option of a command, best first; nothing if they
	// may not run the command.
	Suggest(ctx context.Context, from Account, command, option, typed string) ([]Suggestion, error)
}
