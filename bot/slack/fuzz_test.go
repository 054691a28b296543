package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"twokey/chat"
)

// inbound are payloads as Slack documents them, by the kind of frame.
// https://docs.slack.dev/reference/interaction-payloads and .../events-api
var inbound = map[string][]string{
	frameCommand: {
		`{"token":"x","team_id":"T1","team_domain":"d","channel_id":"C1","channel_name":"team","user_id":"U1","user_name":"ada","command":"/mfa",
			"text":"tap <@U2|sam> &lt;now&gt;","api_app_id":"A1","is_enterprise_install":"false","response_url":"https://hooks.slack.com/commands/T1/2/x","trigger_id":"1.2.3"}`,
		`{"team_id":"T1","enterprise_id":"E1","channel_id":"D1","channel_name":"directmessage","user_id":"W1","command":"/mfa","text":"","is_enterprise_install":true,"trigger_id":"1.2.4"}`,
	},
	frameInteractive: {
		`{"type":"block_actions","api_app_id":"A1","team":{"id":"T1"},"enterprise":null,"user":{"id":"U1","team_id":"T1"},"trigger_id":"1.2.3","response_url":"https://hooks.slack.com/actions/T1/2/x",
			"container":{"type":"message","message_ts":"1.1","channel_id":"C1","is_ephemeral":false},"channel":{"id":"C1","name":"team"},"message":{"ts":"1.1","thread_ts":"1.0","blocks":[{"type":"actions"}]},
			"state":{"values":{}},"actions":[{"type":"button","action_id":"twokey:approve:0","block_id":"b","text":{"type":"plain_text","text":"Approve"},"value":"R-1.seal","action_ts":"1.2"}]}`,
		`{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1"},"trigger_id":"1","container":{"type":"view","view_id":"V1"},
			"actions":[{"type":"button","action_id":"twokey:deny:1:form","block_id":"b","value":"{\"v\":\"R-1\",\"f\":[{\"id\":\"reason\",\"label\":\"Why?\"}]}","action_ts":"1.2"}]}`,
		`{"type":"block_actions","team":null,"enterprise":{"id":"E1"},"user":{"id":"U1"},"trigger_id":"1","container":{"type":"message","message_ts":"1.1","channel_id":"D1"},
			"actions":[{"type":"overflow","action_id":"twokey::4","block_id":"b","selected_option":{"text":{"type":"plain_text","text":"x"},"value":"me:R-1"},"action_ts":"1.2"}]}`,
		`{"type":"view_submission","api_app_id":"A1","team":{"id":"T1"},"user":{"id":"U1","team_id":"T1"},"view":{"id":"V1","type":"modal","callback_id":"twokey:form","hash":"h","app_installed_team_id":"T1",
			"private_metadata":"{\"b\":\"deny\",\"v\":\"R-1\",\"c\":\"C1\",\"u\":\"https://hooks.slack.com/actions/T1/2/x\",\"a\":1700000000}",
			"blocks":[{"type":"input","block_id":"reason","label":{"type":"plain_text","text":"Why?"},"element":{"type":"plain_text_input","action_id":"value","max_length":20}}],
			"state":{"values":{"reason":{"value":{"type":"plain_text_input","value":"because"}}}}},"response_urls":[]}`,
		`{"type":"view_closed","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1"},"is_cleared":false}`,
		`{"type":"shortcut","team":{"id":"T1"},"user":{"id":"U1"},"callback_id":"x","trigger_id":"1","action_ts":"1.2"}`,
	},
	frameEvent: {
		`{"type":"event_callback","team_id":"T1","api_app_id":"A1","event_id":"Ev1","event_time":1,"authorizations":[{"enterprise_id":null,"team_id":"T1","user_id":"U0BOT","is_bot":true}],
			"event":{"type":"message","channel":"D1","user":"U1","text":"mfa me","ts":"1.1","event_ts":"1.1","channel_type":"im","team":"T1","blocks":[]}}`,
		`{"type":"event_callback","team_id":"T1","event_id":"Ev2","event":{"type":"app_mention","channel":"C1","user":"U1","text":"<@U0BOT>, help","ts":"1.1","thread_ts":"1.0"}}`,
		`{"type":"event_callback","team_id":"T1","event_id":"Ev3","event":{"type":"app_home_opened","user":"U1","channel":"D1","tab":"home","view":{"id":"V1"}}}`,
		`{"type":"event_callback","team_id":"T1","event_id":"Ev4","event":{"type":"message","subtype":"message_changed","channel":"D1","channel_type":"im","message":{"edited":{"user":"U1","ts":"1"}}}}`,
		`{"type":"url_verification","token":"x","challenge":"c"}`,
		`{"type":"app_rate_limited","team_id":"T1","minute_rate_limited":1,"api_app_id":"A1"}`,
	},
}

// odd are payloads that Slack has never sent.
var odd = []string{
	``, `null`, `[]`, `{}`, `{"user":null,"actions":[null],"view":null,"event":null,"team":null}`, `{"type":"block_actions","user":{"id":"U1"},"actions":[{}]}`,
	`{"type":"view_submission","user":{"id":"U1"},"view":{"id":"V1","callback_id":"twokey:form","private_metadata":"{"}}`,
	`{"type":"view_submission","user":{"id":"U1"},"view":{"id":"V1","callback_id":"twokey:form","private_metadata":"null","blocks":[{"type":"input"}],"state":null}}`,
}

func samples(f *testing.F, kind string) {
	f.Helper()
	for _, s := range append(inbound[kind], odd...) {
		f.Add([]byte(s))
	}
}

// fuzzed holds for whatever is received of a kind: it is refused, or is
// somebody's whose delivery has a name, of a size that can be kept.
func fuzzed(f *testing.F, kind string) {
	f.Helper()
	samples(f, kind)
	f.Fuzz(func(t *testing.T, payload []byte) {
		d, err := parse(kind, payload, time.Unix(1700000000, 0))
		if (d == nil) != (err != nil) {
			t.Fatalf("parse = %+v, %v", d, err)
		}
		if err != nil || len(d.refused) > 0 {
			return
		}
		if d.from == "" || d.event.Key == "" {
			t.Errorf("from nobody, or without a name: %+v", d)
		}
		if !d.home && d.event.Kind == 0 || d.event.From != (chat.Account{}) {
			t.Errorf("heard %+v", d.event)
		}
		said(d.event, "U0BOT", "/mfa")
	})
}

func FuzzSlash(f *testing.F)       { fuzzed(f, frameCommand) }
func FuzzInteraction(f *testing.F) { fuzzed(f, frameInteractive) }
func FuzzEvent(f *testing.F)       { fuzzed(f, frameEvent) }

// FuzzEnvelope has whole frames taken from a socket: whatever they are, what
// asks to be acknowledged can be.
func FuzzEnvelope(f *testing.F) {
	for kind, payloads := range inbound {
		for _, s := range append(payloads, odd...) {
			f.Add([]byte(`{"envelope_id":"1","type":"` + kind + `","accepts_response_payload":true,"payload":` + cmp.Or(s, "null") + `}`))
		}
	}
	f.Add([]byte(`{"type":"hello","connection_info":{"app_id":"A1"}}`))
	f.Add([]byte(`{"type":"disconnect","reason":"warning"}`))
	s := refusing(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var got frame
		if json.Unmarshal(data, &got) != nil {
			return
		}
		said, start := s.deliver(got)
		start()
		answer, err := json.Marshal(acknowledgement{got.EnvelopeID, said})
		if err != nil || !json.Valid(answer) {
			t.Errorf("acknowledged with %q, %v", answer, err)
		}
	})
}

// FuzzHTTP has signed bodies of every kind served: they are understood or
// refused, and nothing else.
func FuzzHTTP(f *testing.F) {
	for i, kind := range []string{frameCommand, frameInteractive, frameEvent} {
		for _, s := range append(inbound[kind], odd...) {
			body := []byte(s)
			switch kind {
			case frameInteractive:
				body = []byte(url.Values{"payload": {s}}.Encode())
			case frameCommand:
				body = []byte("team_id=T1&channel_id=C1&user_id=U1&trigger_id=1&command=%2Fmfa&text=" + url.QueryEscape(s))
			}
			f.Add(byte(i), body)
		}
	}
	f.Add(byte(0), []byte("ssl_check=1"))
	f.Add(byte(2), []byte(`{"type":"url_verification","challenge":"x"}`))
	s := refusing(f)
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		path := []string{"commands", "actions", "events"}[which%3]
		media := []string{"application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "application/json"}[which%3]
		r := httptest.NewRequest(http.MethodPost, "https://bot.example/slack/"+path, bytes.NewReader(body))
		r.Header.Set("Content-Type", media)
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		r.Header.Set("X-Slack-Request-Timestamp", stamp)
		r.Header.Set("X-Slack-Signature", signature(s.cfg.SigningSecret, stamp, body))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusForbidden:
		default:
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}

// refusing is an adapter of a workspace from which nothing comes.
func refusing(f *testing.F) *Slack {
	f.Helper()
	s, err := New(Config{Mode: modeHTTP, BotToken: "xoxb-1", SigningSecret: "secret", APIURL: "http://127.0.0.1:9/", Inbox: none{}})
	if err != nil {
		f.Fatal(err)
	}
	s.self = self{team: "T0NOBODY", app: "A0NOBODY", user: "U0BOT"}
	return s
}

type none struct{}

func (none) Take(context.Context, string) (bool, error) { return false, nil }

// FuzzReadable holds that text comes out of Slack's markup without becoming
// any: what was typed as text is text, and nothing is made that was not there.
func FuzzReadable(f *testing.F) {
	for _, s := range []string{
		"<@U1|ada> & <#C1|team>", "&lt;!channel&gt;", "<https://x.example|y>", "<mailto:a@x.example|a@x.example>", "<!subteam^S1|@it>", "<", "<>", "<|>", "&amp;lt;", "<<@U1>>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := readable(s); utf8.ValidString(s) && !utf8.ValidString(got) || len(got) > len(s) {
			t.Errorf("readable(%q) = %q", s, got)
		}
		typed := escaped.Replace(s) // as Slack sends it
		if got := readable(typed); got != s {
			t.Errorf("%q typed is %q", s, got)
		}
	})
}

var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
