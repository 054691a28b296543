# Each line's comment is its help.
.DEFAULT_GOAL := help

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## the whole product against a simulated tenant
	go run ./bot demo

test: ## what a fresh clone runs
	go test ./...

fast: ## the tests that need no Graph SDK
	go test $$(go list -f '{{.ImportPath}} {{join .Deps " "}}' ./... | grep -v microsoftgraph | cut -d' ' -f1)

histories: ## 10,000 random histories of people, faults, deaths and pauses; half an hour
	go test ./commands/approval -run TestRandomHistories -rapid.checks=10000 -timeout 2h -v

races: ## 1,000 races of approve, deny, cancel, expiry and start on three processes
	TWOKEY_RACES=1000 go test ./commands/approval -run 'TestO1[0135].*Process' -timeout 1h -v

soak: ## half an hour of serve on every platform with faults, then a rolling restart of two replicas
	TWOKEY_SOAK=30m go test ./bot -run '^TestSoak$$' -timeout 1h -count=1 -v
	TWOKEY_SOAK=1m go test ./bot -run '^TestRollingRestart$$' -timeout 1h -count=1 -v

planted: ## plant each known mistake in turn: the tests must catch it
	go test -tags planted ./docs -run TestPlanted -timeout 1h -v

promises: ## docs/guarantees.md anew, from the names of the tests
	go test ./docs -run TestGuarantees -update

bench: ## a sweep of 100,000 and of 1,000,000 people beside the floors
	go test ./graph/msgraph -run '^$$' -bench 'Sweep|Million' -benchtime 3x

performance: ## the performance table, printed and written into docs/performance.md and README.md
	bash .ci/performance

figures: ## docs/figures.md anew; the tests fail while it is not true
	go test ./graph/msgraph -run TestU16 -update

outside: ## clients of Slack and Discord that others wrote against the fakes of the tests; needs Node
	go test -tags outside ./bot/slack/slacktest ./bot/discord/discordtest -run '^TestOutside$$' -count=1 -v

local-slack: ## the bot's road against a Slack that somebody else wrote; needs npm and Linux on x64
	go test -tags outside ./bot/slack ./bot -run '^TestOutside' -count=1 -v

prism: ## Stoplight's Prism judges what the bot says to Discord by Discord's own description; needs npm
	go test -tags outside ./bot/discord -run TestPrism -count=1 -v

axe: ## axe-core on every page that people sign in on, and on the console; needs npm and Chromium
	go test -tags outside ./bot/link -run '^TestOutside' -count=1 -v
	go test -tags outside ./bot -run '^TestAxe' -count=1 -v

lint: ## vet, staticcheck, gofumpt
	go vet ./... && go tool staticcheck ./... && go tool gofumpt -l .

build: ## bin/twokey, one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/twokey ./bot

sbom: build ## bin/twokey.cdx.json, the modules that bin/twokey is made of (CycloneDX); fails if one is left out
	bash .ci/sbom bin/twokey bin/twokey.cdx.json

release: ## the program for each system, with bills of materials and digests, in bin/release; half an hour the first time
	bash .ci/release

ci: ## everything that has to hold before a change lands
	bash .ci/run

.PHONY: help demo test fast histories races soak planted promises bench performance figures outside local-slack prism axe lint build sbom release ci
