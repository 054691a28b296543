package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack/slacktest"
	"twokey/store/pgtest"
)

// crowd adds so many people to the team who are linked to nobody.
func (of *office) crowd(n int) []string {
	var users []string
	for i := range n {
		id := fmt.Sprintf("U0CROWD%03d", i)
		of.slack.AddUser(slacktest.User{ID: id})
		users = append(users, id)
	}
	of.slack.AddChannel(slacktest.Channel{ID: teamRoom, Name: "team", Members: users})
	return users
}

// answers counts what the bot has shown a person, and nobody else.
func (of *office) answers(user string) (n int) {
	for _, m := range of.slack.Seen(user) {
		if m.From == of.slack.BotUser() && (m.Private || m.Channel == of.slack.Direct(user)) {
			n++
		}
	}
	return n
}

// trouble makes a tenth of the answers fail, and now and then what they need.
func (of *office) trouble(i int) {
	switch i % 30 {
	case 5:
		of.slack.Fault(slacktest.Fault{Method: "response_url", Status: http.StatusServiceUnavailable})
	case 15:
		of.slack.Fault(slacktest.Fault{Method: "response_url", Status: http.StatusBadGateway})
		of.slack.Fault(slacktest.Fault{Method: "chat.postEphemeral", Status: http.StatusTooManyRequests, RetryAfter: time.Second})
	case 25:
		of.slack.Fault(slacktest.Fault{Method: "response_url", Status: http.StatusInternalServerError})
		of.slack.Fault(slacktest.Fault{Method: "chat.postEphemeral", Status: http.StatusBadGateway})
	}
	if i%100 == 1 {
		of.slack.Fault(slacktest.Fault{Method: "users.info", Status: http.StatusServiceUnavailable})
		of.slack.Fault(slacktest.Fault{Method: "apps.connections.open", Status: http.StatusInternalServerError})
	}
}

// TestG18CommandsOnSlack sends fifty commands a second while a tenth of
// all answers fails, deliveries come twice, and the sockets are renewed
// every hundred commands: each is acknowledged, handled once and answered once.
func TestG18CommandsOnSlack(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]officeOptions{"Socket Mode": {}, "signed requests": {http: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const commands, people = 300, 20
			of := openOffice(t, o)
			users := of.crowd(people)
			var all []*slacktest.Delivery
			began, next := time.Now(), time.NewTicker(time.Second/50)
			defer next.Stop()
			for i := range commands {
				<-next.C
				of.trouble(i)
				d := of.slack.Command(users[i%people], teamRoom, fmt.Sprintf("ask how do i set up the authenticator on my iphone %d", i))
				all = append(all, d)
				if i%7 == 0 {
					all = append(all, d.Again())
				}
				if !o.http && i%100 == 99 {
					of.slack.Refresh("warning")
				}
			}
			for _, d := range all {
				of.acked(d, "a command")
			}
			t.Logf("%d commands, sent and acknowledged at %.0f a second", commands, commands/time.Since(began).Seconds())
			for _, u := range users {
				of.until(fmt.Sprintf("all answers to %s, who has %d", u, of.answers(u)), func() bool { return of.answers(u) >= commands/people })
			}
			of.wantOnce(t, commands, "ask how do i set up the authenticator on my iphone %d")
			for _, u := range users {
				if n := of.answers(u); n != commands/people {
					t.Errorf("%s has %d answers, want %d", u, n, commands/people)
				}
			}
		})
	}
}

// wantOnce holds that everything was handled, and once.
func (of *office) wantOnce(t *testing.T, n int, form string) {
	t.Helper()
	of.handled.mu.Lock()
	defer of.handled.mu.Unlock()
	lost, twice := 0, 0
	for i := range n {
		switch times := of.handled.times[fmt.Sprintf(form, i)]; {
		case times == 0:
			lost++
		case times > 1:
			twice++
		}
	}
	t.Logf("of %d: %d lost, %d handled twice", n, lost, twice)
	if lost+twice > 0 {
		t.Errorf("of %d %d were lost and %d handled twice", n, lost, twice)
	}
}

// TestG18EventsOnSlack cuts sockets in the middle of an envelope, and all of
// them at once. What people write to the bot is delivered again, and handled
// once. A command is never delivered again: what was acknowledged was handled,
// once, and what was not at most once.
func TestG18EventsOnSlack(t *testing.T) {
	t.Parallel()
	const events, people = 100, 15
	of := openOffice(t, officeOptions{})
	users := of.crowd(people)
	var said, typed []*slacktest.Delivery
	for i := range events {
		cut := i%25 == 6 || i%25 == 18
		of.until("two connections", func() bool { return of.slack.Connected() == 2 })
		if i%25 == 6 {
			of.slack.CutNext()
		}
		e := of.slack.Say(users[i%people], "", fmt.Sprintf("paper jam on floor %d", i))
		c := of.slack.Command(users[i%people], teamRoom, fmt.Sprintf("ask paper jam in room %d", i))
		said, typed = append(said, e), append(typed, c)
		if i%25 == 18 {
			of.slack.CutSockets()
		}
		if cut {
			of.until("a cut", func() bool { return of.slack.Connected() < 2 })
			continue
		}
		of.until("both acknowledged", func() bool { return e.Acked() && c.Acked() })
	}
	acked := func(ds []*slacktest.Delivery) (n int) {
		for _, d := range ds {
			if d.Acked() {
				n++
			}
		}
		return n
	}
	const overdue = 4 * time.Second                                                                       // for what was lost on the way
	for _, d := range []time.Duration{overdue, overdue, time.Minute, overdue, 5 * time.Minute, overdue} { // when Slack tries again
		of.until("a connection", func() bool { return of.slack.Connected() > 0 })
		of.advance(d)
		tried, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		all := of.slack.Wait(tried, func() bool { return acked(said) == events })
		cancel()
		if all {
			break
		}
	}
	for i, d := range said {
		of.acked(d, fmt.Sprintf("event %d, delivered %d times", i, d.Times()))
	}
	handled := func(form string) (n int) {
		of.handled.mu.Lock()
		defer of.handled.mu.Unlock()
		for i := range events {
			if of.handled.times[fmt.Sprintf(form, i)] > 0 {
				n++
			}
		}
		return n
	}
	of.until("every event handled", func() bool { return handled("paper jam on floor %d") == events })
	of.until("every acknowledged command handled", func() bool { return handled("ask paper jam in room %d") >= acked(typed) })
	of.wantOnce(t, events, "paper jam on floor %d")
	for i, d := range typed {
		of.handled.mu.Lock()
		times := of.handled.times[fmt.Sprintf("ask paper jam in room %d", i)]
		of.handled.mu.Unlock()
		if times > 1 || d.Acked() && times != 1 {
			t.Errorf("command %d: acknowledged %t, handled %d times", i, d.Acked(), times)
		}
	}
	t.Logf("%d of %d commands were acknowledged", acked(typed), events)
}

// TestG18TwoReplicas runs two bots on one database and one Slack app: whatever
// is delivered, and to whichever of them again, is handled by one of them once.
func TestG18TwoReplicas(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	of := openOffice(t, officeOptions{edit: func(yaml string) string {
		return strings.Replace(yaml, "store: {dsn: twokey.db}", "store: {dsn_file: dsn}", 1)
	}, closed: true, scopes: []string{"groups:history", "channels:history"}}) // whoever begins to lead looks for what the other has posted
	of.write("dsn", dsn)
	of.start(0)
	of.start(0)
	of.until("four connections", func() bool { return of.slack.Connected() == 4 })

	request := of.ask("defaults enable everybody has been trained")
	for _, approver := range []string{"abe", "bea"} {
		press := of.slack.Press(account(approver), of.prompt(approver, request).ID, "Approve")
		again := []*slacktest.Delivery{press}
		for range 20 {
			again = append(again, press.Again())
		}
		for _, d := range again {
			of.acked(d, "a press")
		}
		of.await(approver, "that it counts", of.says("Your approval"))
	}
	const commands, people = 100, 10
	users := of.crowd(people)
	for i := range commands {
		d := of.slack.Command(users[i%people], teamRoom, fmt.Sprintf("ask paper jam in room %d", i))
		of.acked(d, "a command")
		of.acked(d.Again(), "the same once more")
	}
	for _, u := range users {
		of.until("all answers to "+u, func() bool { return of.answers(u) >= commands/people })
		if n := of.answers(u); n != commands/people {
			t.Errorf("%s has %d answers, want %d", u, n, commands/people)
		}
	}
	of.wantOnce(t, commands, "ask paper jam in room %d")
	of.advance(15 * time.Minute)
	of.await("ada", "the outcome", of.direct("ada", of.says(request+" done")))
	of.effects(1)
	for person, room := range map[string]string{"abe": of.slack.Direct(account("abe")), "bea": of.slack.Direct(account("bea")), "vic": adminsRoom} {
		of.wantPrompts(t, person, room, request)
	}
}

// wantPrompts holds that a request has one prompt in a place.
func (of *office) wantPrompts(t *testing.T, person, room, request string) {
	t.Helper()
	n := 0
	for _, m := range of.slack.Seen(account(person)) {
		if m.Channel == room && of.says(request, "If it is wrong")(m) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%s sees %d prompts of %s, want 1", person, n, request)
	}
}

// TestServeInTrouble walks the road while Slack fails: messages are refused, or
// are posted and nobody hears of it. Everybody is asked once all the same.
func TestServeInTrouble(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{scopes: []string{"groups:history"}}) // to find lost posts in a private channel
	of.slack.Fault(slacktest.Fault{Method: "conversations.open", Status: http.StatusServiceUnavailable})
	for _, f := range []slacktest.Fault{{Status: http.StatusServiceUnavailable}, {Cut: "after"}, {Status: http.StatusTooManyRequests, RetryAfter: time.Second}, {Cut: "before"}, {Cut: "after"}, {Error: "fatal_error"}} {
		f.Method = "chat.postMessage"
		of.slack.Fault(f)
	}
	of.acked(of.slack.Command(account("ada"), adminsRoom, "defaults enable everybody has been trained"), "the request")
	var request string
	asked := func(person string) bool {
		for _, m := range of.slack.Seen(account(person)) {
			if m.Channel == of.slack.Direct(account(person)) && has(m, "Approve") {
				_, rest, _ := strings.Cut(m.Plain, "R-")
				request = "R-" + rest[:6]
				return true
			}
		}
		return false
	}
	for range 20 { // what failed is tried again by the clock
		tried, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		all := of.slack.Wait(tried, func() bool { return asked("abe") && asked("bea") && of.shared() })
		cancel()
		if all {
			break
		}
		of.advance(30 * time.Second)
	}
	for _, f := range []slacktest.Fault{{Status: http.StatusServiceUnavailable}, {Cut: "after"}, {Cut: "before"}} {
		f.Method = "chat.update"
		of.slack.Fault(f)
	}
	of.approve("abe", request, "needs one more person")
	of.approve("bea", request, "it was the last one needed")
	of.advance(15 * time.Minute)
	for range 20 {
		tried, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		all := of.slack.Wait(tried, func() bool { return of.ended("abe", request) && of.ended("bea", request) && of.ended("vic", request) })
		cancel()
		if all {
			break
		}
		of.advance(30 * time.Second)
	}
	of.effects(1)
	for person, room := range map[string]string{"abe": of.slack.Direct(account("abe")), "bea": of.slack.Direct(account("bea")), "vic": adminsRoom} {
		of.wantPrompts(t, person, room, request)
		if !of.ended(person, request) {
			t.Errorf("%s does not see the end", person)
		}
	}
}

// shared reports whether the administrators' channel has been asked.
func (of *office) shared() bool {
	for _, m := range of.slack.Channel(adminsRoom) {
		if has(m, "Approve") {
			return true
		}
	}
	return false
}

// ended reports whether a person sees a prompt of a request that is over.
func (of *office) ended(person, request string) bool {
	for _, m := range of.slack.Seen(account(person)) {
		if m.Edited && !has(m, "Approve") && of.says(request, "Done at")(m) {
			return true
		}
	}
	return false
}

// TestServeRevoked holds that a bot that was taken out of its workspace says what
// to do, and goes on trying.
func TestServeRevoked(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{allow: []string{"token_revoked"}})
	of.slack.Revoke()
	of.slack.CutSockets()
	of.until("that it says so", func() bool {
		err := of.service.slack.Ready()
		return err != nil && strings.Contains(err.Error(), "install the app again")
	})
}

// TestG19OnSlack holds that while the tenant does not answer, everything that
// people do is acknowledged and answered with a sentence, and that nothing is
// decided meanwhile. Afterwards it goes on by itself.
func TestG19OnSlack(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{patience: 500 * time.Millisecond})
	request := of.ask("defaults enable everybody has been trained")
	prompt := of.prompt("abe", request)
	of.prompt("bea", request)
	of.plain(http.MethodPost, "/_sim/faults", `[{"path":"*","delay_ms":600000}]`, nil)

	before := map[string]int{}
	people := []string{"ada", "abe", "vic", "sam", "sue"}
	for _, p := range people {
		before[p] = of.answers(account(p))
	}
	lines := []string{"me", "status", "version", "whoami", "preflight defaults", "requests", "help"}
	for _, line := range lines {
		for _, p := range people {
			of.acked(of.slack.Command(account(p), teamRoom, line), line)
		}
	}
	of.acked(of.slack.Press(account("abe"), prompt.ID, "Approve"), "abe's press")
	before["abe"]++
	for _, p := range people {
		want := before[p] + len(lines)
		of.until(fmt.Sprintf("%d answers to %s, who has %d", want, p, of.answers(account(p))), func() bool { return of.answers(account(p)) == want })
		for _, m := range of.slack.Seen(account(p)) {
			if m.Private && strings.TrimSpace(m.Plain) == "" {
				t.Errorf("%s is told nothing: %+v", p, m)
			}
		}
	}
	of.plain(http.MethodPost, "/_sim/faults", "[]", nil)
	of.approve("abe", request, "needs one more person")
	of.effects(0)
}
