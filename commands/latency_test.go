package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
	graphsync "twokey/graph/sync"
	"twokey/scheduler"
	"twokey/store"
)

// distance is how long a request to Microsoft Graph takes.
const distance = 80 * time.Millisecond

// far answers as late as Microsoft Graph does.
type far struct{ http.Handler }

func (f far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(distance)
	f.Handler.ServeHTTP(w, r)
}

// BenchmarkLatency says commands to a bot of a tenant of ten thousand people,
// with Microsoft Graph as far away as it is, and prints the median and the
// slowest of the answers.
func BenchmarkLatency(b *testing.B) {
	w := farWorld(b)
	for _, line := range []string{
		"sue me", "sue check", "vic status", "vic who missing", "vic legacy", "vic trend", "vic forecast --goal 98%", "vic changes", "vic exceptions", "vic deadlines", "ada scope suggest", "ada user sue",
		"ada preflight defaults", "ada preflight legacy-block", "ada preflight require-mfa", "ada breakglass", "olga doctor",
		"olga export weak csv",
	} {
		person, line, _ := strings.Cut(line, " ")
		b.Run(line, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				var l listener
				e := chat.Event{Key: time.Now().String(), Kind: chat.Command, From: account(person), Text: line}
				if err := w.mux.Handle(b.Context(), &l, e); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begun))
				if m := l.all[len(l.all)-1]; strings.HasPrefix(line, "export") != (m.File != nil) {
					b.Fatalf("it is answered with\n%s", m.Plain())
				}
			}
			report(b, took)
		})
	}
	// The names of ten thousand are for two to agree to: what its requester waits
	// for is that the file is made, and recorded, once it is collected.
	b.Run("collect the file of export people csv", func(b *testing.B) {
		r := approval.Request{
			Ref: "R-ABC234", KindVersion: exportVersion, Requester: approval.Principal{Tenant: w.env.Organization.ID, Object: cast("olga")},
			Args: json.RawMessage(encode(exportArgs{Typed: map[string]string{"dataset": datasetPeople, "format": formatCSV}})),
		}
		calls, err := exportAction{w.env}.Steps(r)
		if err != nil {
			b.Fatal(err)
		}
		var took []time.Duration
		for b.Loop() {
			begun := time.Now()
			a := calls[0].Send(b.Context(), "")
			took = append(took, time.Since(begun))
			if f, ok := a.Handover.(*chat.File); !ok || bytes.Count(f.Data, []byte("\n")) < 9000 {
				b.Fatalf("handed out is %+v", a)
			}
		}
		report(b, took)
	})
}

// report prints the median and the slowest.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "slowest-ms")
}

// keptChanges are those that the bot has stored.
type keptChanges struct {
	db     *store.Store
	tenant string
}

func (k keptChanges) Changes(ctx context.Context, since time.Time, n int) (rollout.ChangeLog, error) {
	return k.db.Changes(ctx, k.tenant, since, n)
}

// farWorld is a bot over a large simulated tenant that is far away, with a
// database that holds what was read of it.
func farWorld(b *testing.B) *world {
	b.Helper()
	sim, err := simtenant.New(simtenant.Config{People: 10_000})
	if err != nil {
		b.Fatal(err)
	}
	near, distant := httptest.NewServer(sim), httptest.NewServer(far{sim})
	b.Cleanup(near.Close)
	b.Cleanup(distant.Close)
	clients := make([]*msgraph.Client, 2)
	for i, server := range []*httptest.Server{near, distant} {
		clients[i], err = msgraph.New(msgraph.Config{
			BaseURL: server.URL + "/v1.0", Credential: msgraph.StaticToken("twokey"), Unbudgeted: true, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	db, err := store.Open(b.Context(), store.Config{DSN: filepath.Join(b.TempDir(), "twokey.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	org, err := clients[0].Organization(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	read := graphsync.New(graphsync.Config{Tenant: org.ID, Reader: clients[0], Store: db, Owner: "reader", Now: time.Now, Log: slog.New(slog.DiscardHandler), Patience: time.Hour})
	if err := read.Pass(b.Context()); err != nil {
		b.Fatal(err)
	}
	syncer := graphsync.New(graphsync.Config{Tenant: org.ID, Reader: clients[1], Store: db, Owner: "bot", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	w := &world{t: b, fixture: town(), digest: &fakeDigest{}}
	laid := (&office{world: w}).rules()
	laid.Tenant, laid.AcceptNoStepUp = org.ID, true
	keeper := rules.Fixed(laid)
	people := identity.New(identity.Config{Rules: keeper, Ask: AskRoles(), Now: time.Now}, clients[1])
	w.env = Env{
		Organization: org, Tenant: clients[1], Writer: clients[1], Facts: syncer.Facts, Kept: syncer.Kept, Scope: rollout.Scope{},
		Engine:   &approval.Engine{Store: db, Standing: people, Expiry: AroundTheClock(time.UTC).Expiry},
		Requests: db, People: people, Records: db, Declarations: db, Absences: db, Languages: db, Staff: db, Rules: keeper, Zone: time.UTC,
		Admins: adminsChannel, ChatSignIn: ChatOwn, Now: time.Now, Changes: keptChanges{db, org.ID},
	}
	w.env.Trend = &scheduler.Digester{
		Tenant: org.ID, Name: org.Name, Facts: w.env.Kept, Scope: w.env.Scope, Store: db, Now: time.Now, Due: scheduler.Weekly{Day: time.Monday, Hour: 9, Zone: time.UTC},
	}
	w.mux = NewMux(w.env, slog.New(slog.DiscardHandler))
	_ = w.env.Facts(context.Background()) // as the bot does before anybody asks
	return w
}
