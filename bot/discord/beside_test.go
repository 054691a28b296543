package discord_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"twokey/bot/beside"
	"twokey/bot/discord"
	"twokey/chat"
)

// stand is as much of Discord as two bots need to be held beside each other: it
// delivers commands on the gateway and takes the answers.
type stand struct {
	*httptest.Server
	wait beside.Waiting // by the token of an interaction
	mu   sync.Mutex
	ws   *websocket.Conn
	last int // sequence number
}

const (
	standApp   = "310000000000000001"
	standGuild = "410000000000000001"
	standToken = "MzEwMDAwMDAwMDAwMDAwMDAx.beside.a-bare-bot"
)

func newStand(b *testing.B) *stand {
	s := &stand{}
	mux := http.NewServeMux()
	answer := func(pattern string, v func() any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v())
		})
	}
	gateway := func() any {
		return map[string]any{
			"url": "ws" + strings.TrimPrefix(s.URL, "http") + "/ws", "shards": 1,
			"session_start_limit": map[string]any{"total": 1000, "remaining": 999, "reset_after": 86400000, "max_concurrency": 1},
		}
	}
	answer("GET /api/v10/gateway", gateway)
	answer("GET /api/v10/gateway/bot", gateway)
	answer("GET /api/v10/users/@me", func() any { return map[string]any{"id": standApp, "username": "twokey", "bot": true} })
	answer("/api/v10/applications/", func() any { return []any{} }) // the commands
	mux.HandleFunc("/ws", s.link)
	mux.HandleFunc("/ws/", s.link)
	mux.HandleFunc("POST /api/v10/interactions/{id}/{token}/callback", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.wait.Arrived("first " + r.PathValue("token"))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("PATCH /api/v10/webhooks/{app}/{token}/messages/@original", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.wait.Arrived("then " + r.PathValue("token"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"1","channel_id":"`+channel+`","content":""}`)
	})
	s.Server = httptest.NewServer(mux)
	b.Cleanup(s.Close)
	return s
}

// link is the life of one connection to the gateway.
func (s *stand) link(w http.ResponseWriter, r *http.Request) {
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	s.mu.Lock()
	s.ws = ws
	s.mu.Unlock()
	err = s.send(map[string]any{"op": 10, "d": map[string]any{"heartbeat_interval": 41250}})
	for err == nil {
		var frame struct {
			Op int `json:"op"`
		}
		if err = ws.ReadJSON(&frame); err != nil {
			break
		}
		switch frame.Op {
		case 1:
			err = s.send(map[string]any{"op": 11})
		case 2:
			err = s.dispatch("READY", map[string]any{
				"v": 10, "session_id": "s1", "resume_gateway_url": "ws" + strings.TrimPrefix(s.URL, "http") + "/ws", "guilds": []any{},
				"user": map[string]any{"id": standApp, "username": "twokey", "bot": true}, "application": map[string]any{"id": standApp, "flags": 0},
			})
		}
	}
}

func (s *stand) send(v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ws.WriteJSON(v)
}

func (s *stand) dispatch(kind string, d any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	return s.ws.WriteJSON(map[string]any{"op": 0, "s": s.last, "t": kind, "d": d})
}

// Address implements beside.Stand.
func (s *stand) Address() string { return s.URL + "/api/v10" }

// Command implements beside.Stand.
func (s *stand) Command(n int) (beside.Sent, error) {
	token := "t" + strconv.Itoa(n)
	sent := beside.Sent{Acked: s.wait.Expect("first " + token), Answered: s.wait.Expect("then " + token)}
	user := map[string]any{"id": fmt.Sprint(210000000000000000 + n%40), "username": "ada"}
	sent.At = time.Now()
	return sent, s.dispatch("INTERACTION_CREATE", map[string]any{
		"id": fmt.Sprint(910000000000000000 + n), "application_id": standApp, "type": 2, "token": token, "version": 1, "channel_id": channel,
		"guild_id": standGuild, "locale": "en-GB", "member": map[string]any{"user": user, "roles": []any{}, "permissions": "2147483647"},
		"data": map[string]any{"id": "1", "name": "mfa", "type": 1, "options": []any{map[string]any{"name": "me", "type": 1}}},
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
			return bareBot(ctx, api, ready)
		}
		memory := &memory{}
		d, err := discord.New(discord.Config{
			Mode: "gateway", Token: standToken, PublicKey: strings.Repeat("00", 32), ApplicationID: standApp, Guild: standGuild, APIURL: api, Inbox: memory, Notes: memory, Commands: registry,
			Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		if err != nil {
			return err
		}
		d.Handle(chat.HandlerFunc(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
			return r.Reply(ctx, chat.Message{Headline: text})
		}))
		go beside.UntilReady(d.Ready, ready)
		return d.Run(ctx)
	})
}

// text is what both bots answer.
const text = "90 of 100 people are registered."

// bareBot answers commands as the library's examples do, with a connection kept
// for each of sixteen answers.
func bareBot(ctx context.Context, api string, ready func()) error {
	discordgo.EndpointAPI = api + "/"
	discordgo.EndpointGateway = api + "/gateway"
	discordgo.EndpointWebhooks = api + "/webhooks/"
	s, err := discordgo.New("Bot " + standToken)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2 * beside.AtOnce
	s.Client = &http.Client{Transport: transport}
	s.AddHandler(func(*discordgo.Session, *discordgo.Ready) { ready() })
	s.AddHandler(func(s *discordgo.Session, i *discordgo.InteractionCreate) {
		_ = s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseDeferredChannelMessageWithSource, Data: &discordgo.InteractionResponseData{Flags: discordgo.MessageFlagsEphemeral},
		})
		_, _ = s.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Embeds: &[]*discordgo.MessageEmbed{{Title: text}}})
	})
	if err := s.Open(); err != nil {
		return err
	}
	<-ctx.Done()
	return errors.Join(s.Close())
}
