package commands

import (
	"context"
	"time"

	"twokey/chat"
)

// patience is how long somebody waits without a word.
const patience = 500 * time.Millisecond

// meanwhile does what may take seconds, and says so in private if it does. What
// it says comes before the answer, or not at all.
func meanwhile(ctx context.Context, c Call, do func() (chat.Message, error)) (chat.Message, error) {
	said := make(chan struct{})
	soon := time.AfterFunc(patience, func() {
		defer close(said)
		_ = c.Show(ctx, chat.Message{Headline: "I am reading Microsoft 365. This takes some seconds."}) // the answer comes in any case
	})
	defer func() {
		if !soon.Stop() {
			<-said
		}
	}()
	return do()
}
