package simtenant

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// signIn is one line of the sign-in log before security defaults and policies
// had their say.
type signIn struct {
	at          time.Time
	lag         time.Duration // until it reaches the log
	who         int           // index of the account
	client      string
	app         int // index in apps
	interactive bool
	code        int
	ip          string
	place       int // index in places
	day, number int // the event's place in its day
}

// logLag is the longest time that a sign-in needs to reach the log.
const logLag = 2 * time.Hour

// history is how long before the epoch the logs begin: ten weeks, and what a
// reader who stands there can still look back on.
const history = 15 * week

// habit is somebody who signs in with a legacy protocol until they move on.
type habit struct {
	user        int
	client      string
	interactive bool
	perDay      float64
	until       time.Time // zero: does not stop by itself
	place       int
	weekends    bool
}

type app struct{ id, name string }

var apps = []app{
	{"00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"},
	{"d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office"},
	{"1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams"},
	{"4765445b-32c6-49b0-83e6-1d93765276ca", "OfficeHome"},
}

type place struct{ city, state, country string }

var places = []place{
	{"Rotterdam", "Zuid-Holland", "NL"},
	{"Leeds", "West Yorkshire", "GB"},
	{"Gdańsk", "Pomorskie", "PL"},
	{"Novosibirsk", "Novosibirskaya Oblast'", "RU"},
	{"São Paulo", "São Paulo", "BR"},
	{"Shenyang", "Liaoning", "CN"},
}

// homePlaces is how many of the places are the company's own.
const homePlaces = 3

// legacyClients are the names under which legacy protocols stand in the log.
// Several of them mean the same protocol: the log is that untidy.
var legacyClients = []weighted[string]{
	{"Exchange ActiveSync", 30},
	{"IMAP4", 15},
	{"IMAP", 3},
	{"POP3", 10},
	{"POP", 2},
	{"Authenticated SMTP", 9},
	{"SMTP", 2},
	{"MAPI Over HTTP", 7},
	{"Outlook Anywhere (RPC over HTTP)", 4},
	{"Exchange Web Services", 6},
	{"AutoDiscover", 2},
	{"Offline Address Book", 1},
	{"Other clients", 6},
	{"Other clients; IMAP", 1},
	{"Universal Outlook", 1},
	{"Reporting Web Services", 0.3},
}

// maxHabits bounds the work in a tenant of a hundred thousand.
const maxHabits = 1000

// formHabits decides who uses legacy protocols: one person in fourteen at
// first, fewer every week, and devices that go on until somebody stops them.
func (w *world) formHabits() {
	for i := range w.people.size() {
		if i >= w.people.ordinary() && len(w.habits) >= maxHabits {
			return
		}
		a := w.people.account(i)
		switch {
		case a.kind == service:
			w.habits = append(w.habits, deviceHabits(i, a.upn)...)
		case a.kind == person && a.number >= castSize && len(w.habits) < maxHabits:
			r := stream(w.seed, "habit", a.number)
			if r.Float64() < 0.07 {
				w.habits = append(w.habits, w.personHabit(r, i))
			}
		}
	}
}

func (w *world) personHabit(r *rand.Rand, user int) habit {
	h := habit{
		user: user, client: pickWeighted(r, legacyClients), interactive: r.Float64() < 0.4,
		perDay: 0.3 + 2.2*r.Float64(), place: r.IntN(homePlaces),
	}
	if r.Float64() < 0.85 {
		h.until = w.epoch.Add(time.Duration((-9 + 27*r.Float64()) * float64(week)))
	}
	return h
}

func deviceHabits(user int, upn string) []habit {
	switch device, _, _ := strings.Cut(upn, "@"); device {
	case "scanner-2f":
		return []habit{{user: user, client: "Authenticated SMTP", perDay: 9, place: 0}}
	case "scanner-warehouse":
		return []habit{{user: user, client: "SMTP", perDay: 4, place: 1, weekends: true}}
	case "crm":
		return []habit{
			{user: user, client: "IMAP4", perDay: 24, place: 0, weekends: true},
			{user: user, client: "Authenticated SMTP", perDay: 3, place: 0, weekends: true},
		}
	default:
		return nil
	}
}

// signInsOf lays out the sign-ins of one UTC day (days since 1970), oldest
// first. They follow from seed, epoch and day alone: which of them can be seen,
// and what came of them, is decided by who looks, see [view].
func (w *world) signInsOf(n int) []signIn {
	start := time.Unix(int64(n)*int64(day/time.Second), 0).UTC()
	if start.Before(w.epoch.Add(-history).Truncate(day)) {
		return nil
	}
	r, busy := w.dayStream(start)
	list := w.legacyDay(r, start, busy)
	list = append(list, w.sprayDay(r, start)...)
	list = append(list, w.modernDay(r, start, busy)...)
	slices.SortStableFunc(list, func(a, b signIn) int { return a.at.Compare(b.at) })
	for i := range list {
		list[i].day, list[i].number = n, i
		list[i].lag = time.Duration(2+r.IntN(8)) * time.Minute
		if r.IntN(20) == 0 {
			list[i].lag += time.Duration(r.Float64() * float64(logLag-10*time.Minute))
		}
	}
	return list
}

// dayStream returns the random numbers of a day's sign-ins, and how busy the
// day is.
func (w *world) dayStream(start time.Time) (r *rand.Rand, busy float64) {
	if wd := start.Weekday(); wd == time.Saturday || wd == time.Sunday {
		return stream(w.seed, "sign-ins", dayOf(start)), 0.1
	}
	return stream(w.seed, "sign-ins", dayOf(start)), 1
}

// legacyDay are the sign-ins by old clients. They come first in the stream of a
// day, so that they can be laid out without the others.
func (w *world) legacyDay(r *rand.Rand, start time.Time, busy float64) []signIn {
	var list []signIn
	for _, h := range w.habits {
		often := h.perDay
		if !h.weekends {
			often *= busy
		}
		for range poisson(r, often) {
			e := signIn{at: timeOfDay(r, start), who: h.user, client: h.client, interactive: h.interactive, place: h.place}
			e.ip = homeAddress(r, h.place)
			if r.IntN(25) == 0 {
				e.code = 50126 // a mistyped or old password
			}
			if h.until.IsZero() || e.at.Before(h.until) {
				list = append(list, e)
			}
		}
	}
	return list
}

// sprayDay is somebody outside who tries passwords on old protocols: a few
// tries every day, a wave now and then. None gets in.
func (w *world) sprayDay(r *rand.Rand, start time.Time) []signIn {
	tries := poisson(r, 3)
	if r.IntN(9) == 0 {
		tries += 20 + r.IntN(20)
	}
	var list []signIn
	for range tries {
		e := signIn{
			at: start.Add(time.Duration(r.Float64() * float64(day))).Truncate(time.Second), who: r.IntN(w.people.size()),
			client: pick(r, []string{"Authenticated SMTP", "IMAP4", "POP3", "Other clients", "Exchange Web Services"}),
			code:   pickWeighted(r, []weighted[int]{{50126, 85}, {50053, 15}}),
			place:  homePlaces + r.IntN(len(places)-homePlaces), interactive: r.IntN(2) == 0,
		}
		e.ip = "203.0.113." + itoa(1+r.IntN(254))
		if !w.people.account(e.who).enabled() {
			e.code = 50057
		}
		list = append(list, e)
	}
	return list
}

// modernDay is a sample of the ordinary sign-ins: enough that the old protocols
// have to be looked for, never so many that a large tenant becomes slow.
func (w *world) modernDay(r *rand.Rand, start time.Time, busy float64) []signIn {
	people := float64(w.people.size())
	interactive := int(busy * min(people/4, 300))
	background := int(busy * min(people*2, 1200))
	list := make([]signIn, 0, interactive+background)
	for i := range interactive + background {
		e := signIn{
			at: timeOfDay(r, start), who: r.IntN(w.people.size()), client: "Browser",
			app: 1 + r.IntN(len(apps)-1), interactive: i < interactive, place: r.IntN(homePlaces),
		}
		if r.IntN(3) > 0 {
			e.client = "Mobile Apps and Desktop clients"
		}
		if r.IntN(200) == 0 {
			e.client = ""
		}
		e.ip = homeAddress(r, e.place)
		if kind := w.people.account(e.who).kind; kind != person && kind != guest {
			continue
		}
		if e.interactive && r.IntN(15) == 0 {
			e.code = pick(r, []int{50126, 50074, 500121, 50055})
		}
		list = append(list, e)
	}
	return list
}

func homeAddress(r *rand.Rand, place int) string {
	if place == 2 {
		return "2001:db8:2::" + itoa(1+r.IntN(90))
	}
	return "198.51.100." + itoa(1+place*80+r.IntN(80))
}

// timeOfDay draws a moment of a day, mostly in office hours.
func timeOfDay(r *rand.Rand, start time.Time) time.Time {
	hour := 6 + 12*r.Float64()
	if r.IntN(8) == 0 {
		hour = 24 * r.Float64()
	}
	return start.Add(time.Duration(hour * float64(time.Hour))).Truncate(time.Microsecond)
}

// outcome is what came of a sign-in in the tenant as it was at that moment:
// security defaults and enabled Conditional Access policies stop old protocols.
func (v *view) outcome(e *signIn, user *account) int {
	switch {
	case e.code != 0:
		return e.code
	case !user.enabled():
		return 50057
	case !graph.LegacyClient(e.client):
		return 0
	}
	switch s := v.stateAt(e.at); {
	case s.defaults:
		return 530032
	case s.blocks(user, e.client):
		return 53003
	default:
		return 0
	}
}
