package commands

import (
	"context"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

// Everyone returns a function that lists where every approver and owner is
// told of something, and the administrators' channel, if there is one. Each
// chat account of a person is an address. A listed guest or leaver is told
// nothing. Where the tenant cannot be asked the function returns, with the
// error, what [Named] does.
func Everyone(people *identity.Directory, admins chat.Address) func(ctx context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		all, err := people.Active(ctx, identity.Approver, identity.Owner)
		if err != nil {
			return Named(ctx, people, admins), err
		}
		var accounts []chat.Account
		for _, p := range all {
			accounts = append(accounts, people.Accounts(ctx, p)...)
		}
		return addresses(accounts, admins), nil
	}
}

// Named lists where those are told of something who are approvers or owners by
// name, and the administrators' channel, if there is one: all that is known when
// the tenant cannot be asked.
func Named(ctx context.Context, people *identity.Directory, admins chat.Address) []string {
	return addresses(byName(ctx, people, identity.Approver, identity.Owner), admins)
}

// byName returns the accounts of those who hold a role by name. The time to ask
// the tenant may be over, and there is some for reading our own links.
func byName(ctx context.Context, people *identity.Directory, any ...identity.Role) []chat.Account {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), alarmRead)
	defer cancel()
	return people.Named(ctx, any...)
}

// Channel lists the administrators' channel alone, as an address of what is owed.
func Channel(admins chat.Address) []string { return addresses(nil, admins) }

func addresses(accounts []chat.Account, admins chat.Address) []string {
	var to []string
	for _, a := range accounts {
		to = append(to, encode(chat.Direct(a)))
	}
	if admins != (chat.Address{}) {
		to = append(to, encode(admins))
	}
	return to
}

// Backups returns a function that lists whom to ask about a request once nobody
// else has answered.
func Backups(people *identity.Directory) func(ctx context.Context, r approval.Request) ([]approval.Subscriber, error) {
	return func(ctx context.Context, r approval.Request) ([]approval.Subscriber, error) {
		named, err := people.Backups(ctx, r)
		return subscribers(ctx, people, named), err
	}
}

// subscribers are the chat accounts of people who are asked to decide.
func subscribers(ctx context.Context, people *identity.Directory, who []approval.Principal) []approval.Subscriber {
	var all []approval.Subscriber
	for _, p := range who {
		for _, a := range people.Accounts(ctx, p) {
			all = append(all, approval.Subscriber{Address: encode(chat.Direct(a)), Who: p.Object})
		}
	}
	return all
}

// Away returns a function that reports whether somebody who would decide a
// request is away.
func Away(people *identity.Directory) func(ctx context.Context, r approval.Request) (bool, error) {
	return func(ctx context.Context, r approval.Request) (bool, error) {
		bench, err := people.Bench(ctx, r)
		return len(bench.Away) > 0, err
	}
}
