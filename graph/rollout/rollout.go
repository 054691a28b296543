// Package rollout is where the rollout of MFA stands, in figures that can be
// trusted: pure functions from what was read of a tenant.
//
// A reading ([Facts]) and who is not to be counted ([Scope]) make a [Funnel],
// from all accounts down to the people of whom MFA is demanded, and the use of
// [Legacy] authentication. Both together are kept as one [Week]; two weeks are
// compared, many make a [Trend] and a [Forecast]. [Deadlines] are dated changes
// by Microsoft with whom they will hit.
//
// Beside the figures stand judgements on the same reading ([JudgeLegacy],
// [SuggestScope], [Who]), and what the audit log and our own app registration
// say of those who changed something ([Changes], [CompareApps], [Unexplained]).
//
// A [Figure] has a value or the reason why it has none. What is not known is
// never counted as no: a person without a row in the report, or whose methods
// could not be read, is unknown, and a count then says of how many.
package rollout
