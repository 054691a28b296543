package slack

import (
	"fmt"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// Limits of the home tab. Slack takes 250 kB of a view; what nobody would
// scroll through is left out long before.
const (
	homeBlocks = 100
	homeSize   = 60000 // as JSON
)

// home returns messages one below the other, parted by lines, as the home tab
// shows them. It holds neither tables nor pictures: their words stand there.
// Messages that have no room are counted at the end.
func home(ms []chat.Message) slack.HomeTabViewRequest {
	v := slack.HomeTabViewRequest{Type: slack.VTHomeTab, CallbackID: "twokey:home"}
	var all []slack.Block
	for i, m := range ms {
		next := []slack.Block{}
		if i > 0 {
			next = append(next, slack.NewDividerBlock())
		}
		next = append(next, render(m, options{update: true, simple: true, from: i * maxButtons}).blocks...)
		if len(all)+len(next) >= homeBlocks || size(all)+size(next) > homeSize {
			all = append(all, small(fmt.Sprintf("… and %d more, which have no room here. “/mfa requests” lists all requests.", len(ms)-i)))
			break
		}
		all = append(all, next...)
	}
	if len(all) == 0 { // a tab of no blocks is blank
		all = append(all, small("There is nothing to show here yet. Type “/mfa help” to see what you can do."))
	}
	v.Blocks.BlockSet = all
	return v
}
