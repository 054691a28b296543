package console_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"twokey/bot/browsertest"
	"twokey/chat"
	"twokey/chat/hostile"
)

// hostileCard is a message with a hostile text wherever one may come from
// outside, and in places where none may. It returns how many there are.
func hostileCard(text func() string) (m chat.Message, texts int) {
	count := func() string { texts++; return text() }
	m = chat.Message{
		Headline: count(), Text: count(), Steps: []string{count(), count()}, Footer: count(),
		Fields:  []chat.Field{{Label: "Why", Value: count(), Quoted: true}, {Label: "Target", Value: count()}},
		Table:   &chat.Table{Header: []string{"Name", "State"}, Rows: [][]string{{count(), count()}, {"Zoë", count()}}},
		Details: []chat.Field{{Label: "Title", Value: count(), Quoted: true}, {Label: "Undo", Value: "turn it off"}},
		Links:   []chat.Link{{Label: count(), URL: ours}},
		File:    &chat.File{Name: count(), Data: []byte("x")},
		Buttons: []chat.Button{{ID: "approve", Label: count()}, {ID: "deny", Label: "Deny", Form: []chat.FormField{{ID: "reason", Label: count()}}}},
	}
	return m, texts
}

// draw draws the messages after one as the page draws them and returns the
// markup of each. It says what is wrong with what stands in the document: a text
// that is not where it belongs, a direction that gets out, something that was
// fetched or run.
const draw = `(async (after, who) => {
  const { item } = await import('/page/card.js');
  const all = await (await fetch('/api/people/bea/messages?after=' + after)).json();
  const ms = all.filter((m) => m.from === who);
  const view = { domID: (id) => 'x-' + id, avatar: () => document.createElement('span'), nameOf: (f) => f, unfolded: new Set(), press() {}, grown() {} };
  const wrong = [], drawn = [];
  for (const m of ms) {
    const li = item(m, view);
    document.body.append(li);
    const say = (what) => wrong.push(m.id + ': ' + what);
    const text = (selector, want) => {
      const got = [...li.querySelectorAll(selector)].map((e) => e.textContent);
      if (JSON.stringify(got) !== JSON.stringify(want)) say(selector + ' says ' + JSON.stringify(got).slice(0, 200));
    };
    if (who === 'twokey') {
      const fields = [...m.rich.fields, ...m.rich.details];
      text('dt', fields.map((f) => f.label));
      text('dd', fields.map((f) => f.value));
      text('td', m.rich.table.rows.flat());
      text('.file a', [m.file.name]);
      text('h3', m.rich.headline ? [m.rich.headline] : []);
      text('button', m.buttons.map((b) => b.label));
      if (li.querySelector('dd').className !== 'quoted') say('a quotation is not marked');
    } else text('.typed', [m.text]);
    for (const e of li.querySelectorAll('h3, p:not(.head, .footer), dt, dd, td, th, ol > li'))
      if (e.dir !== 'auto') say(e.tagName + ' lets its direction out');
    drawn.push({ id: m.id, html: li.outerHTML, buttons: m.buttons.length });
    li.remove();
  }
  if (document.title !== 'Twokey') wrong.push('the title is ' + document.title);
  for (const e of performance.getEntriesByType('resource')) if (new URL(e.name).origin !== location.origin) wrong.push('fetched ' + e.name);
  performance.clearResourceTimings();
  return JSON.stringify({ drawn, last: all.at(-1)?.id || after, wrong: wrong.slice(0, 20) });
})`

// drawing is what draw returns.
type drawing struct {
	Drawn []struct {
		ID, HTML string
		Buttons  int
	}
	Last  string
	Wrong []string
}

// drawn draws the messages of an author after one, and judges them.
func drawn(t *testing.T, b *tab, after, who string) drawing {
	t.Helper()
	var d drawing
	answer := value[string](b, draw+fmt.Sprintf("(%q, %q)", after, who), chromedp.EvalAwaitPromise)
	if err := json.Unmarshal([]byte(answer), &d); err != nil {
		t.Fatal(err)
	}
	for _, w := range d.Wrong {
		t.Error(w)
	}
	for _, m := range d.Drawn {
		want := map[string]int{}
		if who == "twokey" {
			want = map[string]int{"button": m.Buttons, "a": 2, "dt": 4, "dd": 4, "td": 4, "th": 2, "tr": 3, "details": 1, "article": 1}
		}
		if why := judge(m.HTML, want); why != "" {
			t.Errorf("%s: %s in\n%.2000s", m.ID, why, m.HTML)
		}
	}
	return d
}

// mayBe are the elements of a message, and mayHave their attributes.
var (
	mayBe   = strings.Fields("li div span p strong time article h3 ol dl dt dd table caption thead tbody tr th td details summary ul a button")
	mayHave = strings.Fields("id class dir tabindex role aria-label aria-expanded scope href rel target type data-button datetime title download")
	counted = strings.Fields("button a dt dd td th tr details article")
)

// judge parses the markup of one message and returns what is wrong with it. It
// must be one list item, of those elements and attributes alone, with just as
// many of each as its parts ask for, and one address that we made.
func judge(markup string, want map[string]int) string {
	nodes, err := html.ParseFragment(strings.NewReader(markup), &html.Node{Type: html.ElementNode, Data: "ul", DataAtom: atom.Ul})
	if err != nil || len(nodes) != 1 {
		return fmt.Sprintf("%d nodes, %v", len(nodes), err)
	}
	got := map[string]int{}
	for n := range nodes[0].Descendants() {
		switch n.Type {
		case html.TextNode:
			continue
		case html.ElementNode:
		default:
			return fmt.Sprintf("a node of type %d", n.Type)
		}
		got[n.Data]++
		if !slices.Contains(mayBe, n.Data) {
			return "a " + n.Data
		}
		for _, a := range n.Attr {
			if !slices.Contains(mayHave, a.Key) || a.Key == "href" && a.Val != ours && !ownFile.MatchString(a.Val) {
				return fmt.Sprintf("%s=%q of %s", a.Key, a.Val, n.Data)
			}
		}
	}
	for _, name := range counted {
		if got[name] != want[name] {
			return fmt.Sprintf("%d of %s, want %d", got[name], name, want[name])
		}
	}
	return ""
}

// ownFile is the address of a message's own file.
var ownFile = regexp.MustCompile(`^/api/people/bea/files/m\d{6}$`)

// ours is the only other address in the messages.
const ours = "https://mysignins.microsoft.com/"

// The judge must find what it is there for.
func TestJudgeOfThePage(t *testing.T) {
	t.Parallel()
	for markup, wrong := range map[string]bool{
		`<li><p dir="auto">x</p></li>`: false, `<li><p>&lt;img src=x&gt;</p></li>`: false, `<li><p><img src=x></p></li>`: true, `<li></li><li></li>`: true,
		`<li><p onclick="x">x</p></li>`: true, `<li><button>x</button></li>`: true, `<li><!-- x --></li>`: true, `<li><script>x</script></li>`: true,
	} {
		if why := judge(markup, nil); (why != "") != wrong {
			t.Errorf("%s: %q", markup, why)
		}
	}
	link := map[string]int{"a": 1}
	if why := judge(`<li><a href="`+ours+`">x</a></li>`, link); why != "" {
		t.Error(why)
	}
	if judge(`<li><a href="https://evil.example">x</a></li>`, link) == "" {
		t.Error("a foreign address was let through")
	}
}

// G21: whatever text stands in a message, the page shows that text and the
// message's own parts, and its plain twin and quotations hide nothing.
func TestG21PageOfHostileText(t *testing.T) {
	t.Parallel()
	texts, batch := 100_000, 500
	if testing.Short() {
		texts /= 10
	}
	b := open(t, browsertest.Start(t), "#ada/dm")
	r := rand.New(rand.NewPCG(21, 3))
	words := hostile.Words
	text := func() string {
		if len(words) > 0 {
			w := words[0]
			words = words[1:]
			return w
		}
		return hostile.Text(r)
	}
	after, messages, n := "", 0, 0
	for n < texts && !t.Failed() {
		for range batch {
			m, k := hostileCard(text)
			b.post(t, direct("bea"), "", m)
			n += k
		}
		d := drawn(t, b, after, "twokey")
		judgeQuotations(t, b, after)
		messages += len(d.Drawn)
		after = d.Last
	}
	t.Logf("%d texts in %d messages", n, messages)
	if !t.Failed() && messages*15 < texts {
		t.Errorf("only %d messages were drawn", messages)
	}
}

// judgeQuotations reads the messages after one as the API gives them.
func judgeQuotations(t *testing.T, b *tab, after string) {
	t.Helper()
	resp, err := http.Get(b.server.URL + "/api/people/bea/messages?after=" + after)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var ms []struct {
		Rich struct {
			Fields, Details []chat.Field
			Table           chat.Table
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&ms); err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		for _, f := range []chat.Field{m.Rich.Fields[0], m.Rich.Details[0]} {
			inside, ok := strings.CutPrefix(f.Value, "“")
			inside, closed := strings.CutSuffix(inside, "”")
			if why := hostile.Hides(f.Value); why != "" || !ok || !closed || strings.ContainsAny(inside, "“”") {
				t.Errorf("%s holds %s or is not one quotation: %+q", f.Label, why, f.Value)
			}
		}
		for _, row := range m.Rich.Table.Rows {
			for _, cell := range row {
				if why := hostile.Hides(cell); why != "" {
					t.Errorf("a cell holds %s: %+q", why, cell)
				}
			}
		}
	}
}

// What people type themselves is shown as text too, to everybody in a channel.
func TestG21PageOfTypedHostileText(t *testing.T) {
	t.Parallel()
	b := open(t, browsertest.Start(t), "#ada/dm")
	for _, w := range hostile.Words {
		if strings.TrimSpace(w) == "" || len(w) > 1000 {
			continue
		}
		body, err := json.Marshal(map[string]string{"text": w})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(b.server.URL+"/api/people/bea/messages", "application/json", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusAccepted {
			<-b.events // one fits, and nobody else takes them
		}
	}
	if d := drawn(t, b, "", "bea"); len(d.Drawn) < len(hostile.Words)/2 {
		t.Errorf("only %d messages were drawn", len(d.Drawn))
	}
}
