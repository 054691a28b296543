package docs_test

const guaranteesHead = `# What Twokey promises, and which tests hold it

Made by ` + "`go test ./docs -run TestGuarantees -update`" + ` from the names of the tests; it fails when they differ. A test that carries
the number of a promise (G), of an open case of one (O) or of a rule for its users (U) stands beside it. All of them run with
` + "`go test ./...`" + `; where a test says SQLite and PostgreSQL it runs on both.

## Promises

`

const rulesHead = `
## Rules for its users

`

var guarantees = []guarantee{
	{id: "G01", says: "A step of an approved action is sent at most once, unless the answer proves that it was not applied.", cases: []string{"O01", "O02", "O03", "O04", "O08", "O10", "O15", "O46", "O47", "O48"}, figure: "10,000 random histories of 29,459 requests with 7,652 kills, 7,717 pauses and 20,647 faults: none twice (28 Nov 2026)."},
	{id: "G02", says: "After a kill at any moment, every request that somebody was told of ends or is told to be looked up, within two minutes of the restart.", cases: []string{"O05", "O14"}, figure: "500 random kills of the real program on each database: none lost, none stuck (28 Nov 2026)."},
	{id: "G03", says: "What is told of an outcome agrees with the tenant.", figure: "After the 500 kills on each database none disagrees with the tenant’s ledger (28 Nov 2026)."},
	{id: "G04", says: "No byte of a change leaves before its intent is stored.", cases: []string{"O08"}, figure: "The tenant of the engine's tests asks the database from outside at every call that arrives."},
	{id: "G05", says: "Before the first write everything is read again; a difference that matters ends the request.", cases: []string{"O49", "O50", "O51", "O52"}},
	{id: "G06", says: "An action of many steps that stops in the middle says which were done, not done and not known.", cases: []string{"O06"}},
	{id: "G07", says: "Asked to stop, nothing new begins, and the process is gone within its drain time.", cases: []string{"O09"}},
	{id: "G08", says: "A final state never changes, but for “unknown”, which a second person or a reading may resolve.", cases: []string{"O28"}},
	{id: "G09", says: "Nobody approves their own request, through no account.", cases: []string{"O23", "O24"}},
	{id: "G10", says: "A quorum counts people, not clicks or accounts; never the requester or a target.", cases: []string{"O25"}},
	{id: "G11", says: "Only IDs say who somebody is.", cases: []string{"O27", "O29"}},
	{id: "G12", says: "A vote counts only if its author could decide when voting and still can when it runs.", cases: []string{"O26", "O30"}},
	{id: "G13", says: "A vote is bound to exactly what was shown.", cases: []string{"O34"}},
	{id: "G14", says: "What has expired can be neither approved nor run, by the database's clock.", cases: []string{"O12"}},
	{id: "G15", says: "Of approve, deny, cancel, expire and start exactly one wins.", cases: []string{"O11"}, figure: "1,000 races of three processes on PostgreSQL, one winner each: 275 cancelled, 282 denied, 334 expired, 109 carried out (28 Nov 2026)."},
	{id: "G16", says: "A link that is not proved gives no right."},
	{id: "G17", says: "What is not authentic, fresh and for us is refused before it is parsed.", cases: []string{"O29", "O31"}},
	{id: "G18", says: "The same delivery has one effect, however often and wherever it arrives.", cases: []string{"O33", "O35", "O36"}},
	{id: "G19", says: "Every interaction is answered in time, whatever is slow.", cases: []string{"O35"}},
	{id: "G20", says: "Connections go to configured hosts only.", cases: []string{"O56"}},
	{id: "G21", says: "No text of a person or the tenant pings, links, forges a field or reorders what is read.", cases: []string{"O37", "O38", "O39", "O40"}},
	{id: "G22", says: "A prompt says all that a decision needs, and its notification the same."},
	{id: "G23", says: "A Temporary Access Pass exists in memory, on the wire and in one private message.", cases: []string{"O42", "O43"}},
	{id: "G24", says: "Tokens, secrets and passwords are in no log, error or message.", cases: []string{"O44"}},
	{id: "G25", says: "A pass that could not be delivered is deleted, or reported as still valid.", cases: []string{"O45"}},
	{id: "G26", says: "No action leaves too few who can sign in, or touches a protected account, however many approve.", cases: []string{"O53", "O54"}},
	{id: "G27", says: "A request touches no more than the configured number of objects, and sums over an hour are capped too.", cases: []string{"O55"}},
	{id: "G28", says: "The tenant is fixed by the place that a command came from.", cases: []string{"O32"}},
	{id: "G29", says: "What cannot be read or understood is a no, with the reason."},
	{id: "G30", says: "A week's digest appears exactly once.", cases: []string{"O18", "O19"}, figure: "Five processes, 200 weeks, one killed in each week: 200 posts (28 Nov 2026)."},
	{id: "G31", says: "Every week has one due moment, in every zone.", cases: []string{"O16", "O17", "O22"}},
	{id: "G32", says: "A job that panics, hangs or fails stops nothing else.", cases: []string{"O20", "O21"}},
	{id: "G33", says: "What was told to be recorded survives; a full disk makes the bot say “not recorded”.", cases: []string{"O59"}},
	{id: "G34", says: "A replica that lost its lease begins nothing and stores nothing over its successor.", cases: []string{"O13"}},
	{id: "G35", says: "Every change and its record are one transaction, and every tampering is found.", cases: []string{"O60"}},
	{id: "G36", says: "Versions run side by side, and a migration can be killed anywhere.", cases: []string{"O07"}},
	{id: "G37", says: "Input, queues and time are bounded, and nobody can take the bot from the others.", cases: []string{"O57", "O58"}},
	{id: "G38", says: "An export opened in a spreadsheet, terminal or log viewer runs and forges nothing.", cases: []string{"O41"}},
}

var userRules = []guarantee{
	{id: "U01", says: "A new link gives no role for a day, and within a day of a new way into its author's account an approval does not count."},
	{id: "U02", says: "What a stolen chat session must not be enough for needs a fresh proof of who asks, approves and collects."},
	{id: "U03", says: "A step-up says what it proved, and takes for MFA what the tenant's token says is."},
	{id: "U04", says: "Lists of names are short, files of them are for leads, and looking people up is recorded and noticed."},
	{id: "U05", says: "Who is to lose or get a method or a pass is told at once, and can stop it."},
	{id: "U06", says: "Highest administrators are refused for methods, passes and blocks."},
	{id: "U07", says: "What is relayed to somebody says that nobody needs a password, a code or a pass."},
	{id: "U08", says: "What is done in the bot's own name without a request of its is noticed."},
	{id: "U09", says: "A weakened configuration is noticed, told, and takes effect late."},
	{id: "U10", says: "Small organisations can decide, and are told whom to appoint."},
	{id: "U11", says: "It runs in two shapes: with a page to prove who one is, and without any address."},
	{id: "U12", says: "Freeze from the host, a quick undo, and a road without the bot."},
	{id: "U13", says: "Where passes are off, that is said, and there is another way."},
	{id: "U14", says: "Setting the bot up writes to nobody."},
	{id: "U15", says: "Accounts that look like no person are suggested, with reasons."},
	{id: "U16", says: "What each command can know on each licence is a generated table."},
	{id: "U17", says: "Without the sign-in log the legacy check is never green."},
	{id: "U18", says: "Dated changes are named for each population, with their source."},
	{id: "U19", says: "Whoever administers or decides is looked at again before security defaults are turned on."},
	{id: "U20", says: "Staff without a phone are noted and counted, and outside hours it is said whom to call."},
	{id: "U21", says: "Evidence of one request answers an auditor alone."},
	{id: "U22", says: "Heads are kept outside, leavers can be erased, and pruning is chained."},
	{id: "U23", says: "Changes by Twokey and outside of it are told apart."},
	{id: "U24", says: "By a chat account of one's own each change needs a fresh proof, its link ends, and leavers are cut off at once."},
}
