package commands

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/staff"
)

// usualHours is typed by whoever works as the others do.
const usualHours = "usual"

// hoursCommand lets people say when they work: they are reminded then and at no
// other time.
func hoursCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "hours", Summary: "Say when you work, so that I write to you then only.", Example: "hours sat-tue 14:00-22:00 Europe/Madrid",
			Options: []chat.Option{{Name: "when", Summary: "days, from when to when, and your time zone if it is another; “usual” for office hours", Rest: true}},
		},
		Access: linked,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			v, typed := c.Voice, strings.ToLower(strings.TrimSpace(c.Args["when"]))
			note, err := env.Staff.StaffNote(ctx, env.Organization.ID, c.Who.User.ID)
			if err != nil {
				return chat.Message{}, err
			}
			if typed == "" {
				return ownHours(env, v, note.Hours), nil
			}
			var hours *chat.Hours
			if typed != usualHours {
				if hours, err = parseHours(v, c.Args["when"], env.Zone); err != nil {
					return chat.Message{}, err
				}
			}
			err = keepNote(ctx, env, c.Who, "person.hours", map[string]any{"usual": hours == nil}, func(n *staff.Note) { n.Hours = hours })
			return ownHours(env, v, hours), err
		},
	}
}

func ownHours(env Env, v phrases.Voice, h *chat.Hours) chat.Message {
	m := chat.Message{Headline: v.Say("I write to you in office hours: Monday to Friday, from 9 to 17."), Footer: v.Say("Only you can see this.")}
	m.Text = v.Say("If you work at other times, type them, like “/mfa hours sat-tue 14:00-22:00”.")
	if h != nil {
		m.Headline = v.Say("I write to you only in these hours: %s.", hoursWords(*h))
		m.Text = v.Say("“/mfa hours usual” goes back to office hours.")
	}
	return m
}

// hoursWords are hours as they are typed, which is the same in every language.
func hoursWords(h chat.Hours) string {
	days := make([]string, len(h.Days))
	for i, d := range h.Days {
		days[i] = d.String()[:3]
	}
	return fmt.Sprintf("%s %s-%s %s", strings.Join(days, ","), clockWords(h.From), clockWords(h.To), h.Zone)
}

func clockWords(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

// parseHours reads days, a span of the clock and a zone, in any order.
func parseHours(v phrases.Voice, typed string, zone *time.Location) (*chat.Hours, error) {
	h := chat.Hours{Zone: zone}
	spans := 0
	for _, word := range strings.Fields(strings.NewReplacer("–", "-", "—", "-").Replace(typed)) {
		if days, ok := parseDays(word); ok {
			for _, d := range days {
				if !slices.Contains(h.Days, d) {
					h.Days = append(h.Days, d)
				}
			}
			continue
		}
		if from, to, ok := parseSpan(word); ok {
			h.From, h.To = from, to
			spans++
			continue
		}
		named, err := time.LoadLocation(word)
		if err != nil || !strings.Contains(word, "/") && word != "UTC" {
			return nil, wrongHours(v, word)
		}
		h.Zone = named
	}
	switch {
	case len(h.Days) == 0, spans != 1:
		return nil, wrongHours(v, typed)
	case h.To <= h.From:
		return nil, &mistake{v.Say("I can only keep hours that end on the day on which they begin."), v.Say("Type the part before midnight, like “/mfa hours mon-fri 18:00-24:00”.")}
	}
	slices.Sort(h.Days)
	return &h, nil
}

func wrongHours(v phrases.Voice, typed string) error {
	return &mistake{v.Say("I cannot read %s as working hours.", shown(typed)), v.Say("Type days and a time, like “/mfa hours mon-fri 6:00-14:00”.")}
}

// parseDays reads “mon”, “sat,sun” or “sat-tue”.
func parseDays(word string) (days []time.Weekday, ok bool) {
	for _, part := range strings.Split(strings.ToLower(word), ",") {
		first, last, span := strings.Cut(part, "-")
		from, ok := weekday(first)
		if !ok {
			return nil, false
		}
		to := from
		if span {
			if to, ok = weekday(last); !ok {
				return nil, false
			}
		}
		for d := from; ; d = (d + 1) % 7 {
			days = append(days, d)
			if d == to {
				break
			}
		}
	}
	return days, true
}

// parseSpan reads “9-17” or “14:00-22:30”.
func parseSpan(word string) (from, to time.Duration, ok bool) {
	first, last, _ := strings.Cut(word, "-")
	from, ok = parseClock(first)
	to, fine := parseClock(last)
	return from, to, ok && fine
}

func parseClock(text string) (time.Duration, bool) {
	hour, minute, given := strings.Cut(text, ":")
	h, err := strconv.Atoi(hour)
	m := 0
	if err == nil && given {
		m, err = strconv.Atoi(minute)
	}
	at := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	return at, err == nil && h >= 0 && m >= 0 && m < 60 && at <= 24*time.Hour
}
