// Program twokey rolls out and runs MFA in Microsoft 365 from a team's own
// chat.
//
// This is a tour of the house, from the ground up. Each floor knows only those
// below it.
//
// On the ground are the vocabularies. Package chat is what a conversation is
// made of: events come in, messages go out, and no platform is named. Package
// graph is the tenant in our words; graph/msgraph speaks to the real one
// through Microsoft's SDK, no faster than graph/msgraph/quota lets it, and
// graph/simtenant is one that is simulated and answers over HTTP like the real
// one, refusals included. graph/sync keeps what takes a read of every person,
// and graph/rollout makes figures of it. Package audit is the chain of records,
// and chat/outbox sends the messages that are owed.
//
// Above them is what the bot does. Package commands routes events and words
// every reply and prompt; commands/rules is what the owner laid down, and what
// of it holds while a change of it is new; commands/identity knows who is
// speaking; commands/approval lets others decide about a change and carries it
// out once; commands/guide answers staff. Package scheduler posts the weekly
// digest.
//
// Package store keeps it all in one database. At the top are the chat
// platforms, of which bot/console is the demo's, bot/config, which reads the
// owner's file, and this program, which wires everything together in wire.go
// and nowhere else: for an organisation from what service.go makes of its
// configuration, and for the demo from what stage.go puts up.
//
// Three walks through the house:
//
//   - A change: bot/console/receive.go makes an event, commands/mux.go finds
//     the command and who speaks, the command plans, approval.Engine stores
//     request, record and prompts in one transaction, the outbox posts them; a
//     press comes back the same way and is decided by compare-and-set;
//     approval.Runner reads the tenant again, sends once, and records.
//   - A digest: the scheduler's due moment, one transaction that closes the
//     week's slot and owes the message, and the outbox posts it.
//   - A question: event, guide, private reply; nothing is stored.
package main
