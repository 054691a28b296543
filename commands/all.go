package commands

import (
	"twokey/chat"
	"twokey/commands/identity"
)

// all lists every command, in the order in which help shows them.
func all(env Env, allowed func(identity.Speaker) []chat.CommandSpec) []Command {
	return []Command{
		me(env),
		setup(env),
		ask(env),
		langCommand(env),
		whoami(env),
		status(env),
		trend(env),
		forecast(env),
		setGoal(env),
		deadlines(env),
		who(env),
		userCommand(env),
		preflight(env),
		breakglass(env),
		exceptionsCommand(env),
		export(env),
		defaults(env, true),
		defaults(env, false),
		accessCommand(env, legacyBlock, false),
		accessCommand(env, legacyBlock, true),
		accessCommand(env, requireMFA, false),
		accessCommand(env, requireMFA, true),
		tap(env),
		collectCommand(env),
		showPassPolicy(env),
		enablePassPolicy(env),
		reset(env),
		removeMethod(env),
		revoke(env),
		block(env, BlockKind),
		block(env, UnblockKind),
		showCampaign(env),
		explainCampaign(env),
		setCampaign(env),
		requests(env),
		approveCommand(env),
		denyCommand(env),
		cancelCommand(env),
		awayCommand(env),
		stop(env),
		resolve(env),
		freeze(env),
		thaw(env),
		changes(env),
		auditCommand(env),
		auditShow(env),
		doctor(env),
		digestPreview(env),
		digestNow(env),
		help(allowed),
		version(env),
	}
}
