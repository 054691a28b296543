package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"twokey/commands/guide"
)

type askCommand struct {
	JSON     bool     `help:"Answer with one JSON object a question."`
	Question []string `arg:"" optional:"" help:"The question; without one, questions are read from standard input, one a line."`
}

// advice is the JSON answer to one question.
type advice struct {
	Q      string       `json:"q"`
	Expect guide.Expect `json:"expect"`
	Topics []string     `json:"topics"` // the nearest articles whatever it gets, at most three, best first
	Score  float64      `json:"score"`
}

// Run answers the question, or each line of standard input as JSON.
func (a askCommand) Run(std streams) error {
	g, err := guide.Load()
	if err != nil {
		return fmt.Errorf("load guide: %w", err)
	}
	out := json.NewEncoder(std.out)
	out.SetEscapeHTML(false)
	answer := func(q string) error {
		r := g.Ask(q)
		topics := r.Nearest
		if topics == nil {
			topics = []string{}
		}
		return out.Encode(advice{q, r.Expect, topics, r.Score})
	}
	switch q := strings.Join(a.Question, " "); {
	case q != "" && a.JSON:
		return answer(q)
	case q != "":
		_, err := fmt.Fprintln(std.out, spoken(g, q))
		return err
	}
	lines := bufio.NewScanner(std.in)
	for lines.Scan() {
		if err := answer(lines.Text()); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return errors.New("a question is longer than 64 KiB; put one question on each line")
	}
	return lines.Err()
}

// spoken is the answer as a person would read it.
func spoken(g *guide.Guide, q string) string {
	r := g.Ask(q)
	switch r.Expect {
	case guide.ExpectNone:
		return "That is not my subject: I only know about signing in safely."
	case guide.ExpectHandover:
		return "A person should look at this with you: ask your administrator."
	}
	a, ok := g.Article(r.Topics[0], guide.View{Device: r.Variant, Now: time.Now()})
	if !ok {
		return "I do not know that well enough: ask your administrator."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", a.Title, a.Lead)
	for i, s := range a.Steps {
		fmt.Fprintf(&b, "%d. %s\n", i+1, s)
	}
	for _, l := range a.Links {
		fmt.Fprintf(&b, "%s: %s\n", l.Label, l.URL)
	}
	return strings.TrimSpace(b.String())
}
