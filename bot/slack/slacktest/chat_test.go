package slacktest

import (
	"strings"
	"testing"
	"time"
)

// TestWhereTheBotMayWrite goes through the refusals of places.
func TestWhereTheBotMayWrite(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	ada := []string{"U0ADA00001"}
	w.AddChannel(Channel{ID: "C0AWAY0001", Members: ada, BotAway: true})
	w.AddChannel(Channel{ID: "G0AWAY0001", Members: ada, BotAway: true, Private: true})
	w.AddChannel(Channel{ID: "C0OLD00001", Members: ada, Archived: true})
	w.AddChannel(Channel{ID: "C0NEWS0001", Members: ada, ReadOnly: true})
	w.AddUser(User{ID: "U0GONE0001", Deleted: true})
	for _, c := range []struct{ channel, want string }{
		{"C0NONE0001", "channel_not_found"},
		{"#admins", "channel_not_found"},
		{"C0AWAY0001", "not_in_channel"},
		{"G0AWAY0001", "channel_not_found"},
		{"C0OLD00001", "is_archived"},
		{"C0NEWS0001", "restricted_action_read_only_channel"},
		{"U0GONE0001", "user_disabled"},
		{w.BotUser(), "channel_not_found"},
	} {
		b.refused(c.want, "chat.postMessage", "channel", c.channel, "text", "x")
	}
	b.refused("user_disabled", "conversations.open", "users", "U0GONE0001")
	b.refused("user_not_found", "conversations.open", "users", "U0NONE0001")
	b.refused("no_text", "chat.postMessage", "channel", "C0ADMINS01")
	b.refused("channel_not_found", "conversations.info", "channel", "G0AWAY0001")
	list := b.ok("conversations.list", "types", "public_channel,private_channel", "exclude_archived", "true")
	if n := len(list["channels"].([]any)); n != 3 {
		t.Errorf("%d channels listed, want 3: %v", n, list)
	}
}

func TestEphemeral(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	b.refused("user_not_in_channel", "chat.postEphemeral", "channel", "C0ADMINS01", "user", "U0SAM00001", "text", "x")
	b.refused("user_not_found", "chat.postEphemeral", "channel", "C0ADMINS01", "user", "U0NONE0001", "text", "x")
	b.refused("channel_not_found", "chat.postEphemeral", "channel", "U0ADA00001", "user", "U0ADA00001", "text", "x")
	w.AddChannel(Channel{ID: "C0ADMINS01", Members: []string{"U0ADA00001", "U0SAM00001"}})
	ts := b.ok("chat.postEphemeral", "channel", "C0ADMINS01", "user", "U0ADA00001", "text", "psst")["message_ts"].(string)
	if a, s := w.Seen("U0ADA00001"), w.Seen("U0SAM00001"); len(a) != 1 || !a[0].Private || len(s) != 0 {
		t.Errorf("ada sees %v, sam %v", a, s)
	}
	b.refused("message_not_found", "chat.update", "channel", "C0ADMINS01", "ts", ts, "text", "y")
	b.refused("message_not_found", "chat.delete", "channel", "C0ADMINS01", "ts", ts)
	b.refused("message_not_found", "chat.getPermalink", "channel", "C0ADMINS01", "message_ts", ts)
	w.Reload("U0ADA00001")
	if seen := w.Seen("U0ADA00001"); len(seen) != 0 {
		t.Errorf("an ephemeral message outlived a reload: %v", seen)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	direct := b.ok("conversations.open", "users", "U0ADA00001")["channel"].(map[string]any)["id"].(string)
	ts := b.ok("chat.postMessage", "channel", "U0ADA00001", "text", "one", "blocks", `[{"type":"divider"}]`)["ts"].(string)
	b.ok("chat.update", "channel", direct, "ts", ts, "text", "two")
	if m := w.Seen("U0ADA00001")[0]; m.Text != "two" || !m.Edited || m.Blocks == nil {
		t.Errorf("%+v, want the new text beside the old blocks", m)
	}
	b.refused("channel_not_found", "chat.update", "channel", "U0ADA00001", "ts", ts, "text", "x")
	b.refused("msg_too_long", "chat.update", "channel", direct, "ts", ts, "text", strings.Repeat("ä", maxUpdate+1))
	b.ok("chat.update", "channel", direct, "ts", ts, "text", strings.Repeat("ä", maxUpdate), "blocks", "[]")
	if m := w.Seen("U0ADA00001")[0]; m.Blocks != nil {
		t.Errorf("blocks = %s, want none", m.Blocks)
	}
	w.Say("U0ADA00001", "C0ADMINS01", "mine")
	mine := w.Channel("C0ADMINS01")[0]
	b.refused("cant_update_message", "chat.update", "channel", "C0ADMINS01", "ts", mine.TS, "text", "x")
	b.refused("cant_delete_message", "chat.delete", "channel", "C0ADMINS01", "ts", mine.TS)
	b.ok("chat.delete", "channel", direct, "ts", ts)
	b.refused("message_not_found", "chat.update", "channel", direct, "ts", ts, "text", "x")
	if m := w.Seen("U0ADA00001")[0]; !m.Deleted || m.Plain != "" {
		t.Errorf("%+v, want it gone", m)
	}
}

// TestThreads: an answer to a parent that is gone stands in the channel.
func TestThreads(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{Burst: 10})
	parent := b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "parent")["ts"].(string)
	reply := b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "reply", "thread_ts", parent)["ts"].(string)
	b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "reply to the reply", "thread_ts", reply)
	for _, m := range w.Channel("C0ADMINS01")[1:] {
		if m.Thread != parent {
			t.Errorf("%q is in thread %q, want %q", m.Text, m.Thread, parent)
		}
	}
	b.ok("chat.delete", "channel", "C0ADMINS01", "ts", parent)
	last := b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "late", "thread_ts", parent)
	if last["message"].(map[string]any)["thread_ts"] != nil {
		t.Errorf("%v, want it unthreaded", last)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{Scopes: append([]string{"channels:history"}, DefaultScopes...), Burst: 10})
	var ts []string
	for _, text := range []string{"one", "two", "three"} {
		w.Advance(time.Second)
		ts = append(ts, b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", text, "metadata", `{"event_type":"m","event_payload":{"key":"k"}}`)["ts"].(string))
	}
	b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "in the thread", "thread_ts", ts[0])
	texts := func(method string, args ...string) (all []string, next string) {
		body := b.ok(method, append([]string{"channel", "C0ADMINS01"}, args...)...)
		for _, m := range body["messages"].([]any) {
			all = append(all, m.(map[string]any)["text"].(string))
			if has := m.(map[string]any)["metadata"] != nil; has != (len(args) > 0 && args[0] == "include_all_metadata") {
				t.Errorf("%v: metadata %v", args, has)
			}
		}
		return all, body["response_metadata"].(map[string]any)["next_cursor"].(string)
	}
	page, next := texts("conversations.history", "limit", "2")
	rest, end := texts("conversations.history", "limit", "2", "cursor", next)
	if got := strings.Join(append(page, rest...), " "); got != "three two one" || end != "" {
		t.Errorf("history = %q, then %q", got, end)
	}
	if got, _ := texts("conversations.history", "oldest", ts[1]); len(got) != 1 {
		t.Errorf("since two: %q", got)
	}
	if got, _ := texts("conversations.history", "include_all_metadata", "true", "oldest", ts[1], "inclusive", "true"); len(got) != 2 {
		t.Errorf("since two, inclusive: %q", got)
	}
	if got, _ := texts("conversations.replies", "ts", ts[0]); strings.Join(got, " ") != "one in the thread" {
		t.Errorf("thread = %q", got)
	}
}

// TestComplaints: what Slack takes, but says something about.
func TestComplaints(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	b.ok("chat.postMessage", "channel", "C0ADMINS01", "blocks", `[{"type":"divider"}]`)
	b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", strings.Repeat("x", maxText+1))
	violated(t, w, "without a text", "cut at 40000")
	if m := w.Channel("C0ADMINS01")[1]; len(m.Text) != maxText {
		t.Errorf("kept %d characters", len(m.Text))
	}
}
