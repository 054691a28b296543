package slacktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func x(n int) string { return strings.Repeat("x", n) }

// TestInvalidBlocks: what is refused, and where Slack says it is.
func TestInvalidBlocks(t *testing.T) {
	t.Parallel()
	plain := func(text string) string { return `{"type":"plain_text","text":"` + text + `"}` }
	button := func(id string) string {
		return `{"type":"button","action_id":"` + id + `","text":` + plain("Go") + `}`
	}
	table := func(cell string, rows int) string {
		return `{"type":"table","rows":[` + strings.TrimSuffix(strings.Repeat(`[{"type":"raw_text","text":"`+cell+`"}],`, rows), ",") + `]}`
	}
	many := strings.TrimSuffix(strings.Repeat(`{"type":"divider"},`, 51), ",")
	_, b := setup(t, Options{AllowViolations: true, Burst: 1000})
	for _, c := range []struct{ name, blocks, code, at string }{
		{"not a list", `{"type":"divider"}`, "invalid_blocks_format", ""},
		{"not JSON", `[`, "invalid_blocks_format", ""},
		{"not an object", `["x"]`, "invalid_blocks", "/blocks/0"},
		{"unknown", `[{"type":"divider"},{"type":"nonsense"}]`, "invalid_blocks", "/blocks/1/type"},
		{"51 blocks", `[` + many + `]`, "invalid_blocks", "/blocks"},
		{"long section", `[{"type":"section","text":{"type":"mrkdwn","text":"` + x(3001) + `"}}]`, "invalid_blocks", "/blocks/0/text/text"},
		{"empty section", `[{"type":"section","text":{"type":"mrkdwn","text":""}}]`, "invalid_blocks", "/blocks/0/text/text"},
		{"bare section", `[{"type":"section"}]`, "invalid_blocks", "/blocks/0"},
		{"11 fields", `[{"type":"section","fields":[` + strings.TrimSuffix(strings.Repeat(plain("x")+",", 11), ",") + `]}]`, "invalid_blocks", "/blocks/0/fields"},
		{"long header", `[{"type":"header","text":` + plain(x(151)) + `}]`, "invalid_blocks", "/blocks/0/text/text"},
		{"mrkdwn header", `[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`, "invalid_blocks", "/blocks/0/text/type"},
		{"long button", `[{"type":"actions","elements":[{"type":"button","text":` + plain(x(76)) + `}]}]`, "invalid_blocks", "/blocks/0/elements/0/text/text"},
		{"long value", `[{"type":"actions","elements":[{"type":"button","text":` + plain("x") + `,"value":"` + x(2001) + `"}]}]`, "invalid_blocks", "/blocks/0/elements/0/value"},
		{"two of one action ID", `[{"type":"actions","elements":[` + button("a") + `]},{"type":"actions","elements":[` + button("a") + `]}]`, "invalid_blocks", "/blocks/1/elements/0/action_id"},
		{"two of one block ID", `[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]`, "invalid_blocks", "/blocks/1/block_id"},
		{"alert in a message", `[{"type":"alert","text":` + plain("x") + `}]`, "invalid_blocks", "/blocks/0/type"},
		{"two tables", `[` + table("x", 1) + `,` + table("x", 1) + `]`, "invalid_blocks", "/blocks"},
		{"full table", `[` + table(x(101), 100) + `]`, "invalid_blocks", "/blocks/0/rows"},
		{"101 rows", `[` + table("x", 101) + `]`, "invalid_blocks", "/blocks/0/rows"},
		{"no such file", `[{"type":"image","alt_text":"x","slack_file":{"id":"F0NONE"}}]`, "invalid_blocks", "/blocks/0/slack_file"},
		{"misspelt", `[{"type":"image","alt_txt":"x","image_url":"https://x.example/a.png"}]`, "invalid_blocks", "/blocks/0"},
		{"too long together", `[` + strings.TrimSuffix(strings.Repeat(`{"type":"section","text":{"type":"mrkdwn","text":"`+x(2700)+`"}},`, 5), ",") + `]`, "msg_blocks_too_long", "/blocks"},
	} {
		body := b.refused(c.code, "chat.postMessage", "channel", "C0ADMINS01", "text", "x", "blocks", c.blocks)
		if c.at == "" {
			continue
		}
		said := fmt.Sprint(body["response_metadata"])
		if !strings.Contains(said, "[json-pointer:"+c.at+"]") || !strings.Contains(said, "[ERROR]") {
			t.Errorf("%s: %s, want it at %s", c.name, said, c.at)
		}
	}
	b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "x", "blocks", `[`+table(x(99), 100)+`]`)
}

// TestReading: who is notified and where links lead.
func TestReading(t *testing.T) {
	t.Parallel()
	mrkdwn := func(text string) string { return `{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}` }
	rich := func(element string) string {
		return `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[` + element + `]}]}`
	}
	for _, c := range []struct {
		name, text, block string
		pings, links      []string
		plain             string
	}{
		{"text", "hi <@U0ADA00001> &amp; <!here>", "", []string{"<@U0ADA00001>", "<!here>"}, nil, "hi @U0ADA00001 & !here"},
		{"escaped text", "hi &lt;@U0ADA00001&gt; @channel", "", nil, nil, "hi <@U0ADA00001> @channel"},
		{"text beside blocks", "<!channel> https://a.example", mrkdwn("x"), []string{"<!channel>"}, nil, "x"},
		{"bare address", "see https://a.example/x?y=1&amp;z=2 now", "", nil, []string{"https://a.example/x?y=1&z=2"}, "see https://a.example/x?y=1&z=2 now"},
		{"disguised", "x", mrkdwn("<https://evil.example|portal>"), nil, []string{"https://evil.example"}, "portal"},
		{"in code", "x", mrkdwn("`<!channel>`"), []string{"<!channel>"}, nil, "`!channel`"},
		{"open name", "x", mrkdwn("@here and a@channel.example"), []string{"<!here>"}, nil, "@here and a@channel.example"},
		{"verbatim", "x", `{"type":"section","text":{"type":"mrkdwn","verbatim":true,"text":"@here https://a.example <!subteam^S1|x>"}}`, []string{"<!subteam^S1>"}, nil, "@here https://a.example x"},
		{"plain text", "x", `{"type":"section","text":{"type":"plain_text","text":"<!channel> <https://a.example>"}}`, nil, nil, "<!channel> <https://a.example>"},
		{"rich text", "x", rich(`{"type":"text","text":"<!channel> https://a.example "},{"type":"user","user_id":"U1"},{"type":"broadcast","range":"here"},{"type":"usergroup","usergroup_id":"S1"}`), []string{"<@U1>", "<!here>", "<!subteam^S1>"}, nil, "<!channel> https://a.example "},
		{"rich link", "x", rich(`{"type":"link","url":"https://a.example","text":"there"}`), nil, []string{"https://a.example"}, "there"},
		{"markdown", "x", `{"type":"markdown","text":"[a](https://a.example) <@U1>"}`, []string{"<@U1>"}, []string{"https://a.example"}, "[a](https://a.example) @U1"},
		{"button", "x", `{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Go <!here>"},"url":"https://a.example"}]}`, nil, []string{"https://a.example"}, "Go <!here>"},
		{"table", "x", `{"type":"table","rows":[[{"type":"raw_text","text":"<!here>"},` + rich(`{"type":"user","user_id":"U1"}`) + `]]}`, []string{"<@U1>"}, nil, "<!here>"},
		{"channel", "x", mrkdwn("<#C1>"), nil, []string{"#C1"}, "#C1"},
	} {
		w, b := setup(t, Options{})
		args := []string{"channel", "C0ADMINS01", "text", c.text}
		if c.block != "" {
			args = append(args, "blocks", "["+c.block+"]")
		}
		b.ok("chat.postMessage", args...)
		m := w.Channel("C0ADMINS01")[0]
		links := slices.Compact(slices.Clone(m.Links))
		if !slices.Equal(m.Pings, c.pings) || !slices.Equal(links, c.links) || m.Plain != c.plain {
			t.Errorf("%s: pings %q links %q plain %q, want %q %q %q", c.name, m.Pings, links, m.Plain, c.pings, c.links, c.plain)
		}
	}
}
