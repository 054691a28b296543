package commands

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"twokey/chat"
)

// aside does work beside what follows, for reads that do not hang on each other.
// Wait returns when it has ended. A panic in it becomes one of whoever waits: a
// command fails alone.
func aside(work func()) (wait func()) {
	ended := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				ended <- fmt.Errorf("%v\n%s", p, debug.Stack())
			}
			close(ended)
		}()
		work()
	}()
	return func() {
		if err := <-ended; err != nil {
			panic(err)
		}
	}
}

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
