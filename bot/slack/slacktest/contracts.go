package slacktest

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed testdata/slack-methods.json
var methodsJSON []byte

// contract is what Slack documents of one method.
type contract struct {
	RateLimit string   `json:"rate_limit"` // "Tier 3: 50+ per minute"
	BotScopes []string `json:"bot_scopes"` // any one of them
	Args      map[string]struct {
		Required bool `json:"required"`
	} `json:"args"`
	Errors []string `json:"errors"`
}

// contracts is the documented method by name.
var contracts = sync.OnceValue(func() map[string]contract {
	var all struct {
		Methods map[string]contract `json:"methods"`
	}
	if err := json.Unmarshal(methodsJSON, &all); err != nil {
		panic(err) // it is part of the program
	}
	return all.Methods
})

// tier returns the burst and the pace of a method, or zeros if it has limits of
// its own.
func (c contract) tier() (burst int, every time.Duration) {
	_, rest, _ := strings.Cut(c.RateLimit, ": ")
	number, _, _ := strings.Cut(rest, "+")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0, 0
	}
	return n, time.Minute / time.Duration(n)
}

// known reports whether an argument is documented for any method: Slack ignores
// what it does not know, and its own clients send "team_id" with everything,
// but a name that exists nowhere is a slip. One of theirs is "alt_text", for
// what is documented as "alt_txt".
func known(arg string) bool {
	if arg == "alt_text" {
		return true
	}
	for _, c := range contracts() {
		if _, ok := c.Args[arg]; ok {
			return true
		}
	}
	return false
}
