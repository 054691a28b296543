package discord_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"twokey/bot/discord"
	"twokey/bot/discord/discordtest"
	"twokey/chat"
)

// knowing is a handler that suggests.
type knowing struct {
	*heard
	suggest func(from chat.Account, command, option, typed string) ([]chat.Suggestion, error)
}

func (k knowing) Suggest(_ context.Context, from chat.Account, command, option, typed string) ([]chat.Suggestion, error) {
	return k.suggest(from, command, option, typed)
}

// TestSuggestions holds that whoever types into an option is shown what the bot
// suggests, as far as Discord takes it, and is answered whatever goes wrong.
func TestSuggestions(t *testing.T) {
	t.Parallel()
	many := make([]chat.Suggestion, 40)
	for i := range many {
		many[i] = chat.Suggestion{Label: fmt.Sprint("Sam ", i), Value: fmt.Sprintf("sam%d@example.org", i)}
	}
	for name, c := range map[string]struct {
		found []chat.Suggestion
		err   error
		want  int
	}{
		"one":              {many[:1], nil, 1},
		"too many":         {many, nil, 25},
		"none":             {nil, nil, 0},
		"it fails":         {nil, errors.New("down"), 0},
		"too long to send": {[]chat.Suggestion{{Label: strings.Repeat("é", 101), Value: "a"}, {Label: "a", Value: strings.Repeat("b", 101)}, {Label: "", Value: "c"}, many[0]}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, discordtest.Options{})
			asked := make(chan string, 1)
			s.handler = knowing{s.heard, func(from chat.Account, command, option, typed string) ([]chat.Suggestion, error) {
				asked <- strings.Join([]string{from.Platform, from.Workspace, from.User, command, option, typed}, " ")
				return c.found, c.err
			}}
			s.bot()
			d := s.answered(s.Typing(ada, channel, "mfa-change reset", "user", "sam"))
			if got, want := <-asked, discord.Platform+" "+s.Guild()+" "+ada+" reset user sam"; got != want {
				t.Errorf("asked %q, want %q", got, want)
			}
			if n := strings.Count(string(d.Answer()), `"value":`); n != c.want || !strings.Contains(string(d.Answer()), `"type":8`) {
				t.Errorf("%d suggestions, want %d: %s", n, c.want, d.Answer())
			}
			if n := len(s.heard.all()); n != 0 {
				t.Errorf("%d events were handled", n)
			}
		})
	}
}

// TestNothingIsSuggestedElsewhere holds that what does not come from the server
// itself is suggested nothing, since it does not say who is a member.
func TestNothingIsSuggestedElsewhere(t *testing.T) {
	t.Parallel()
	s := set(t, discordtest.Options{})
	s.handler = knowing{s.heard, func(chat.Account, string, string, string) ([]chat.Suggestion, error) {
		t.Error("somebody was asked")
		return nil, nil
	}}
	s.bot()
	d := s.answered(s.Typing(ada, "", "mfa-change reset", "user", "sam"))
	if !strings.Contains(string(d.Answer()), `"choices":[]`) {
		t.Errorf("answered %s", d.Answer())
	}
}
