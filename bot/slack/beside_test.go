package slack_test

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	lib "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"twokey/bot/beside"
	"twokey/bot/slack"
	"twokey/chat"
)

// stand is as much of Slack as two bots need to be held beside each other: it
// delivers commands on sockets and takes the answers. It does little, so that
// what is measured is the bots'.
type stand struct {
	*httptest.Server
	mu    sync.Mutex
	conns []*standConn
	wait  beside.Waiting // by envelope ID or the end of the address for answers
}

type standConn struct {
	mu sync.Mutex
	ws *websocket.Conn
}

func newStand(b *testing.B) *stand {
	s := &stand{}
	mux := http.NewServeMux()
	answer := func(v any) http.HandlerFunc {
		text, err := json.Marshal(v)
		if err != nil {
			b.Fatal(err)
		}
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(text)
		}
	}
	mux.HandleFunc("/api/auth.test", answer(map[string]any{"ok": true, "team_id": "T1", "user_id": "U0BOT", "bot_id": "B1"}))
	mux.HandleFunc("/api/users.info", answer(map[string]any{"ok": true, "user": map[string]any{"id": "U1", "team_id": "T1"}}))
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, r *http.Request) {
		answer(map[string]any{"ok": true, "url": "ws" + strings.TrimPrefix(s.URL, "http") + "/link"})(w, r)
	})
	mux.HandleFunc("/link", s.link)
	mux.HandleFunc("/respond/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.wait.Arrived(r.PathValue("id"))
		_, _ = io.WriteString(w, "ok")
	})
	s.Server = httptest.NewServer(mux)
	b.Cleanup(s.Close)
	return s
}

// link is the life of one socket.
func (s *stand) link(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	c := &standConn{ws: ws}
	_ = c.send(map[string]any{"type": "hello", "connection_info": map[string]any{"app_id": "A1"}})
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	for {
		var ack struct {
			ID string `json:"envelope_id"`
		}
		if ws.ReadJSON(&ack) != nil {
			break
		}
		s.wait.Arrived(ack.ID)
	}
	s.mu.Lock()
	s.conns = slices.DeleteFunc(s.conns, func(o *standConn) bool { return o == c })
	s.mu.Unlock()
}

func (c *standConn) send(v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.WriteJSON(v)
}

// Address implements beside.Stand.
func (s *stand) Address() string { return s.URL + "/api/" }

// Command implements beside.Stand.
func (s *stand) Command(n int) (beside.Sent, error) {
	id := strconv.Itoa(n)
	sent := beside.Sent{Acked: s.wait.Expect("e" + id), Answered: s.wait.Expect("a" + id)}
	s.mu.Lock()
	c := s.conns[rand.IntN(len(s.conns))]
	s.mu.Unlock()
	sent.At = time.Now()
	return sent, c.send(map[string]any{
		"envelope_id": "e" + id, "type": "slash_commands", "accepts_response_payload": true,
		"payload": map[string]any{
			"api_app_id": "A1", "team_id": "T1", "channel_id": "C1", "channel_name": "team", "user_id": "U" + strconv.Itoa(n%40), "user_name": "ada",
			"command": "/mfa", "text": "status --department Sales", "trigger_id": "t" + id, "response_url": s.URL + "/respond/a" + id,
		},
	})
}

// BenchmarkBesideABareBot prints how the adapter compares with a bare bot.
func BenchmarkBesideABareBot(b *testing.B) {
	beside.Compare(b, func(b *testing.B) beside.Stand { return newStand(b) })
}

// TestBesideProcess is the bot of a benchmark, and nothing otherwise.
func TestBesideProcess(t *testing.T) {
	beside.Process(t, func(ctx context.Context, which, api string, ready func()) error {
		if which == "bare" {
			bareBot(ctx, api, ready)
			return nil
		}
		s, err := slack.New(slack.Config{Mode: "socket", AppToken: "xapp-1", BotToken: "xoxb-1", APIURL: api, Inbox: &memory{}})
		if err != nil {
			return err
		}
		s.Handle(chat.HandlerFunc(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
			return r.Reply(ctx, chat.Message{Headline: text})
		}))
		go beside.UntilReady(s.Ready, ready)
		return s.Run(ctx)
	})
}

// text is what both bots answer, the bare one in a block that it writes itself.
const text = "90 of 100 people are registered."

// bareBot answers commands as the library's examples do, with a connection kept
// for each of sixteen answers.
func bareBot(ctx context.Context, api string, ready func()) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2 * beside.AtOnce
	client := &http.Client{Transport: transport}
	c := socketmode.New(lib.New("xoxb-1", lib.OptionAppLevelToken("xapp-1"), lib.OptionAPIURL(api), lib.OptionHTTPClient(client)),
		socketmode.OptionPingInterval(time.Hour))
	go func() {
		for e := range c.Events {
			switch e.Type {
			case socketmode.EventTypeHello:
				ready()
			case socketmode.EventTypeSlashCommand:
				_ = c.Ack(*e.Request)
				command := e.Data.(lib.SlashCommand)
				go func() {
					blocks := []lib.Block{lib.NewRichTextBlock("", lib.NewRichTextSection(
						lib.NewRichTextSectionTextElement(text, &lib.RichTextSectionTextStyle{Bold: true})))}
					_ = lib.PostWebhookCustomHTTPContext(ctx, command.ResponseURL, client, &lib.WebhookMessage{
						ResponseType: lib.ResponseTypeEphemeral, Text: text, Blocks: &lib.Blocks{BlockSet: blocks},
					})
				}()
			}
		}
	}()
	_ = c.RunContext(ctx)
}
