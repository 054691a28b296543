package console_test

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"testing"

	"twokey/chat"
)

// everything has every part that a message can have.
var everything = chat.Message{
	Notice: "A decision is asked of you", Headline: "Ada asks for a pass", Text: "One paragraph.\n\nAnother.",
	Steps:   []string{"Open the app", "Press +"},
	Fields:  []chat.Field{{Label: "Why", Value: "new\nphone", Quoted: true}, {Label: "Until", Value: "17:00"}},
	Table:   &chat.Table{Header: []string{"Team", "People"}, Rows: [][]string{{"Shops", "48"}}},
	Details: []chat.Field{{Label: "Tenant", Value: "Harbour Trust"}},
	Links:   []chat.Link{{Label: "Security info", URL: "https://mysignins.microsoft.com/security-info"}},
	Image:   &chat.Image{Name: "trend.png", PNG: []byte("\x89PNG not really"), Alt: "61, 66, 70 %"},
	File:    &chat.File{Name: "../Zoë\n.csv", Media: "text/csv", Data: []byte("a,b\n"), Alt: "two columns"},
	Footer:  "As of 09:00",
	Buttons: []chat.Button{
		{ID: "approve", Label: "Approve", Value: "not for browsers", Style: chat.Primary},
		{ID: "deny", Label: "Deny", Style: chat.Danger, Form: []chat.FormField{{ID: "reason", Label: "Reason", Required: true, MaxRunes: 300}}},
		{ID: "ask", Label: "Ask"},
	},
	Request: "R-K7Q2MD",
}

func TestMessageAsTheContractHasIt(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.post(t, chat.Address{Platform: "console", Channel: "admins", User: "ada"}, "", everything)
	_, body := d.call(t, http.MethodGet, "/api/people/ada/messages", "")
	text, err := json.Marshal(everything.Plain())
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"id":"m000001","at":"2026-11-23T09:00:00Z","from":"twokey","channel":"admins","private":true,"edited":false,"text":` + string(text) + `,` +
		`"buttons":[{"id":"approve","label":"Approve","style":"primary","form":[]},` +
		`{"id":"deny","label":"Deny","style":"danger","form":[{"id":"reason","label":"Reason","required":true,"max_runes":300}]},` +
		`{"id":"ask","label":"Ask","style":"plain","form":[]}],` +
		`"image":{"url":"/api/people/ada/images/m000001.png","alt":"61, 66, 70 %"},"request":"R-K7Q2MD",` +
		`"file":{"name":"_Zoë .csv","url":"/api/people/ada/files/m000001"},` +
		`"seq":1,"rich":{"notice":"A decision is asked of you","headline":"Ada asks for a pass","text":"One paragraph.\n\nAnother.","steps":["Open the app","Press +"],` +
		`"fields":[{"label":"Why","value":"“new phone”","quoted":true},{"label":"Until","value":"17:00"}],` +
		`"table":{"header":["Team","People"],"rows":[["Shops","48"]]},"details":[{"label":"Tenant","value":"Harbour Trust"}],` +
		`"links":[{"label":"Security info","url":"https://mysignins.microsoft.com/security-info"}],"footer":"As of 09:00"}}]` + "\n"
	if body != want {
		t.Errorf("messages\n got %s\nwant %s", body, want)
	}
	status, png := d.call(t, http.MethodGet, "/api/people/ada/images/m000001.png", "")
	if status != http.StatusOK || png != "\x89PNG not really" {
		t.Errorf("picture: %d %q, want the bytes as posted", status, png)
	}
}

// A file is to be kept under its name, and never shown as a page of ours.
func TestFileIsADownload(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.post(t, direct("ada"), "", everything)
	resp, err := d.server.Client().Get(d.server.URL + "/api/people/ada/files/" + id)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
	if err != nil || kind != "attachment" || params["filename"] != "_Zoë .csv" || string(body) != "a,b\n" {
		t.Errorf("%s %q %q, %v", kind, params, body, err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("it is sent as %s", got)
	}
	if !strings.Contains(d.list(t, "ada")[0].Text, "[file: _Zoë .csv]") {
		t.Errorf("the plain twin does not name it: %q", d.list(t, "ada")[0].Text)
	}
}

// TestWhoSeesWhat asks every way in which a message could be got, for every
// person and every kind of place.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	d := setup(t)
	places := []struct {
		at    chat.Address
		seers string
	}{
		{direct("ada"), "ada"},
		{channel("team"), "ada abe bea sam"},
		{channel("admins"), "ada abe bea"},
		{chat.Address{Platform: "console", Channel: "admins", User: "abe"}, "abe"},
		{chat.Address{Platform: "console", Channel: "team", User: "sam"}, "sam"},
	}
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = d.post(t, p.at, "", everything)
	}
	for _, person := range []string{"ada", "abe", "bea", "sam"} {
		var want []string
		for i, p := range places {
			sees := slices.Contains(strings.Fields(p.seers), person)
			if sees {
				want = append(want, ids[i])
			}
			wantPicture, wantPress := http.StatusNotFound, http.StatusNotFound
			if sees {
				wantPicture, wantPress = http.StatusOK, http.StatusAccepted
			}
			if got, _ := d.call(t, http.MethodGet, "/api/people/"+person+"/images/"+ids[i]+".png", ""); got != wantPicture {
				t.Errorf("%s, picture at %v: %d, want %d", person, p.at, got, wantPicture)
			}
			if got, _ := d.call(t, http.MethodGet, "/api/people/"+person+"/files/"+ids[i], ""); got != wantPicture {
				t.Errorf("%s, file at %v: %d, want %d", person, p.at, got, wantPicture)
			}
			if got, _ := d.call(t, http.MethodPost, "/api/people/"+person+"/press", `{"message":"`+ids[i]+`","button":"approve"}`); got != wantPress {
				t.Errorf("%s, press at %v: %d, want %d", person, p.at, got, wantPress)
			}
		}
		var listed, streamed []string
		for _, m := range d.list(t, person) {
			listed = append(listed, m.ID)
		}
		s := d.stream(t, person, "0")
		for range want {
			streamed = append(streamed, s.next(t).ID)
		}
		if !slices.Equal(listed, want) || !slices.Equal(streamed, want) {
			t.Errorf("%s is listed %v and streamed %v, want %v", person, listed, streamed, want)
		}
	}
}

func TestPostRefusesAddressesOfNobody(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, tc := range []struct {
		name string
		to   chat.Address
		want string
	}{
		{"another platform", chat.Address{Platform: "slack", User: "ada"}, "not the console's"},
		{"a workspace", chat.Address{Platform: "console", Workspace: "T1", User: "ada"}, "not the console's"},
		{"nowhere", chat.Address{Platform: "console"}, "neither a channel nor a person"},
		{"unknown person", direct("eve"), `no person "eve"`},
		{"unknown channel", channel("attic"), `no channel "attic"`},
		{"not in the channel", chat.Address{Platform: "console", Channel: "admins", User: "sam"}, `"sam" is not in channel "admins"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := d.console.Post(t.Context(), tc.to, "", everything)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Post: %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestPostWithTheSameKey(t *testing.T) {
	t.Parallel()
	d := setup(t)
	first := d.post(t, direct("ada"), "outbox/1", chat.Message{Text: "one"})
	if again := d.post(t, direct("ada"), "outbox/1", chat.Message{Text: "changed since"}); again != first {
		t.Errorf("second post is %s, want %s", again, first)
	}
	if other := d.post(t, direct("ada"), "", chat.Message{Text: "no key"}); other == first {
		t.Error("a post without a key was taken for another one")
	}
	d.post(t, direct("ada"), "", chat.Message{Text: "no key"})
	if got := d.list(t, "ada"); len(got) != 3 || got[0].Text != "one" {
		t.Errorf("ada sees %+v, want one and twice no key", got)
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.post(t, direct("bea"), "", openPrompt)
	typed := decode[message](t, d.accepted(t, "/api/people/bea/messages", `{"text":"hello"}`)).ID
	if err := d.console.Edit(t.Context(), direct("bea"), id, chat.Message{Text: "Denied."}); err != nil {
		t.Fatal(err)
	}
	if m := d.list(t, "bea")[0]; m.ID != id || !m.Edited || m.Text != "Denied." || len(m.Buttons) != 0 {
		t.Errorf("after the edit %+v, want %s edited and without buttons", m, id)
	}
	for name, tc := range map[string]struct {
		to chat.Address
		id string
	}{
		"not there":           {direct("bea"), "m000099"},
		"not an id":           {direct("bea"), "1"},
		"somebody's own":      {direct("bea"), typed},
		"at another address":  {direct("abe"), id},
		"on another platform": {chat.Address{Platform: "slack", User: "bea"}, id},
	} {
		if err := d.console.Edit(t.Context(), tc.to, tc.id, chat.Message{Text: "x"}); err == nil {
			t.Errorf("edit of a message %s succeeded", name)
		}
	}
}

func TestMessagesAreNotShared(t *testing.T) {
	t.Parallel()
	d := setup(t)
	m := chat.Message{Steps: []string{"one"}, Buttons: []chat.Button{{ID: "ok", Label: "OK"}}}
	d.post(t, direct("ada"), "", m)
	m.Steps[0], m.Buttons[0].Label = "changed by the caller", "Changed"
	if got := d.last(t, "ada"); got.Text != "1. one\n\n[OK]" {
		t.Errorf("ada sees %q, want what was posted", got.Text)
	}
}

func TestCancelledContextPostsNothing(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.post(t, direct("ada"), "", chat.Message{Text: "one"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.console.Post(ctx, direct("ada"), "", chat.Message{Text: "two"}); err == nil {
		t.Error("Post with a cancelled context succeeded")
	}
	if err := d.console.Edit(ctx, direct("ada"), id, chat.Message{Text: "two"}); err == nil {
		t.Error("Edit with a cancelled context succeeded")
	}
	if got := d.list(t, "ada"); len(got) != 1 || got[0].Text != "one" {
		t.Errorf("ada sees %+v, want the first post alone", got)
	}
}

func TestCapsCutNothing(t *testing.T) {
	t.Parallel()
	fitted := chat.Fit(everything, setup(t).console.Caps())
	if got, want := fitted.Plain(), everything.Plain(); got != want {
		t.Errorf("fitted\n got %s\nwant %s", got, want)
	}
}
