package simtenant

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"twokey/graph"
)

// Fixed method ids, the same for every user of every tenant.
const (
	passwordMethodID       = "28c10230-6103-485e-b985-444c60001490"
	mobileMethodID         = "3179e48a-750b-4051-897c-87b9720928f7"
	alternatePhoneMethodID = "b6332ec1-7057-4abe-9331-3d72feddfe41"
	officePhoneMethodID    = "e37fc753-ff3b-4958-9484-eaa9425c82bc"
	emailMethodID          = "3ddfcfc8-9383-446f-83cc-3ab9be4be18f"
)

// knot is a point of the rollout: the share of people registered by then.
type knot struct{ week, share float64 }

// rollout is how registration goes: about three in eight had registered before
// anybody asked, three in five by the epoch, and some never do. The pace
// differs from week to week, which a forecast has to live with.
func rollout(seed uint64) []knot {
	knots := []knot{{-110, 0}, {-10, 0.37}}
	r := stream(seed, "rollout", 0)
	stretch := func(weeks int, to float64) {
		last := knots[len(knots)-1]
		parts, sum := make([]float64, weeks), 0.0
		for i := range parts {
			parts[i] = 0.6 + 0.8*r.Float64()
			sum += parts[i]
		}
		share := last.share
		for i, p := range parts {
			share += p / sum * (to - last.share)
			knots = append(knots, knot{last.week + float64(i+1), share})
		}
	}
	stretch(10, 0.60)
	stretch(12, 0.80)
	stretch(28, 0.92)
	return knots
}

// when returns the week in which the given share is reached, if it ever is.
func when(knots []knot, share float64) (float64, bool) {
	for i := 1; i < len(knots); i++ {
		a, b := knots[i-1], knots[i]
		if share <= b.share {
			return a.week + (b.week-a.week)*(share-a.share)/(b.share-a.share), true
		}
	}
	return 0, false
}

// paces are how early the people of each department register.
var paces = func() map[string]float64 {
	pace := make(map[string]float64, len(departments))
	for _, d := range departments {
		pace[d.value.name] = d.value.pace
	}
	return pace
}()

// lateness is a person's place in the order of registration, in which the
// department counts as much as chance.
func (w *world) lateness(a *account) float64 {
	return stream(w.seed, "eagerness", a.number).NormFloat64() - paces[a.dept]
}

// register lays out who registers when: people are put in the order of their
// lateness, and the rollout runs along it.
func (g *generator) register(people []account) {
	type place struct {
		person int
		score  float64
	}
	order := make([]place, len(people))
	for i := range people {
		order[i] = place{i, g.lateness(&people[i])}
	}
	slices.SortFunc(order, func(a, b place) int { return cmp.Compare(a.score, b.score) })
	knots := rollout(g.seed)
	for rank, p := range order {
		g.registerAt(&people[p.person], knots, (float64(rank)+0.5)/float64(len(order)))
	}
}

// registerAt gives a person methods at the moment when the rollout reaches a
// share of the people, if it ever does.
func (g *generator) registerAt(a *account, knots []knot, share float64) {
	r := stream(g.seed, "methods", a.number)
	weeks, ever := when(knots, share)
	at := workHour(r, g.epoch.Add(time.Duration(weeks*float64(week))))
	a.methods = g.methods(r, a, at, ever)
}

// workHour moves a moment into office hours of a weekday near it.
func workHour(r *rand.Rand, t time.Time) time.Time {
	t = t.UTC().Truncate(day).Add(7*time.Hour + time.Duration(r.Float64()*float64(10*time.Hour))).Truncate(time.Second)
	switch t.Weekday() {
	case time.Saturday:
		return t.Add(-day)
	case time.Sunday:
		return t.Add(day)
	default:
		return t
	}
}

// first ways to register, by how common they are.
const (
	withApp = iota
	withAppAndPhone
	withPhone
	withCode
	withPasskey
	withHello
	withMac
	withPartner
	withDeskPhone
)

var firstWays = []weighted[int]{
	{withApp, 46},
	{withAppAndPhone, 14},
	{withPhone, 19},
	{withCode, 6},
	{withPasskey, 6},
	{withHello, 5.5},
	{withMac, 1.5},
	{withPartner, 0.8},
	{withDeskPhone, 1.2},
}

// methods plans what a member signs in with over the years: a password from
// the first day, perhaps an e-mail address for password reset, and from the
// moment at, if ever, real methods with backups that come later.
func (g *generator) methods(r *rand.Rand, a *account, at time.Time, ever bool) []method {
	list := make([]method, 1, 4)
	list[0] = passwordOf(a)
	if r.Float64() < 0.25 {
		list = append(list, method{
			kind: graph.MethodEmail, id: emailMethodID, detail: fmt.Sprintf("private%d@mail.example", r.IntN(100000)),
			created: a.created.Add(time.Duration(r.Float64() * float64(10*day))).Truncate(time.Second),
		})
	}
	if !ever {
		if r.Float64() < 0.06 { // got a pass, which ran out unused
			list = append(list, method{
				kind: graph.MethodTemporaryPass, id: guid(r),
				created: workHour(r, g.epoch.Add(-time.Duration(r.Float64()*float64(3*week)))),
			})
		}
		return byCreation(list)
	}
	if at.Before(a.created) {
		at = workHour(r, a.created.Add(3*day))
	}
	list = append(list, firstMethods(r, at)...)
	later := workHour(r, at.Add(time.Duration((1+r.ExpFloat64()*8)*float64(week))))
	switch has, x := list[len(list)-1].kind, r.Float64(); {
	case has == graph.MethodPhone && x < 0.4:
		list = append(list, authenticatorOf(r, later))
	case has == graph.MethodAuthenticator && x < 0.12:
		list = append(list, passkeyOf(r, later))
	case has == graph.MethodAuthenticator && x < 0.25:
		list = append(list, phoneOf(r, later))
	case has == graph.MethodAuthenticator && x < 0.32:
		list = append(list, helloOf(r, later))
	}
	return byCreation(list)
}

func firstMethods(r *rand.Rand, at time.Time) []method {
	soon := at.Add(time.Duration(2+r.IntN(8)) * time.Minute)
	switch pickWeighted(r, firstWays) {
	case withAppAndPhone:
		return []method{authenticatorOf(r, at), phoneOf(r, soon)}
	case withPhone:
		return []method{phoneOf(r, at)}
	case withCode:
		return []method{{kind: graph.MethodSoftwareOATH, id: guid(r), created: at}}
	case withPasskey:
		return []method{authenticatorOf(r, at), passkeyOf(r, soon)}
	case withHello:
		return []method{helloOf(r, at), authenticatorOf(r, soon)}
	case withMac:
		return []method{
			authenticatorOf(r, at),
			{kind: graph.MethodPlatformCredential, id: guid(r), label: "MacBook Pro", detail: "macOS", created: soon},
		}
	case withPartner:
		return []method{{kind: graph.MethodExternal, id: guid(r), label: "Partner MFA", detail: guid(r), created: at}}
	case withDeskPhone: // counted as registered, but voice is off in the methods policy: not capable
		return []method{{
			kind: graph.MethodPhone, id: officePhoneMethodID, subtype: "office",
			detail: fmt.Sprintf("+44 1632960%03d", r.IntN(1000)), created: at,
		}}
	default:
		return []method{authenticatorOf(r, at)}
	}
}

// castMethods gives the seven people of the demo what their story needs: all
// but sam are registered, abe and sue with the app alone, the others with a
// backup.
func castMethods(r *rand.Rand, a *account, id string, epoch time.Time) []method {
	at := workHour(r, epoch.Add(-time.Duration(20+r.IntN(20))*week))
	list := []method{passwordOf(a)}
	switch id {
	case "olga", "bea":
		list = append(list, authenticatorOf(r, at), passkeyOf(r, at.Add(10*time.Minute)))
	case "ada":
		list = append(list, authenticatorOf(r, at), phoneOf(r, at.Add(10*time.Minute)))
	case "vic":
		list = append(list, authenticatorOf(r, at), helloOf(r, at.Add(time.Hour)))
	case "abe", "sue":
		list = append(list, authenticatorOf(r, at))
	}
	return list
}

func passwordOf(a *account) method {
	return method{kind: graph.MethodPassword, id: passwordMethodID, created: a.created}
}

func authenticatorOf(r *rand.Rand, at time.Time) method {
	phone := pick(r, []string{"iPhone 13", "iPhone 15", "iPhone SE", "SM-S911B", "Pixel 8", "SM-A546B", "Fairphone 5"})
	return method{kind: graph.MethodAuthenticator, id: guid(r), label: phone, created: at}
}

// phoneOf draws a number from the range that the British regulator keeps for drama.
func phoneOf(r *rand.Rand, at time.Time) method {
	return method{
		kind: graph.MethodPhone, id: mobileMethodID, subtype: "mobile",
		detail: fmt.Sprintf("+44 7700900%03d", r.IntN(1000)), created: at,
	}
}

func passkeyOf(r *rand.Rand, at time.Time) method {
	model := pick(r, []string{"YubiKey 5 NFC", "Feitian ePass FIDO2", "Microsoft Authenticator (iOS)", "Microsoft Authenticator (Android)"})
	return method{kind: graph.MethodPasskey, id: guid(r), label: pick(r, []string{"Blue key", "My key", "Phone passkey"}), detail: model, created: at}
}

func helloOf(r *rand.Rand, at time.Time) method {
	return method{kind: graph.MethodWindowsHello, id: guid(r), label: fmt.Sprintf("LAPTOP-%04d", r.IntN(10000)), created: at}
}

func byCreation(list []method) []method {
	slices.SortStableFunc(list, func(a, b method) int { return a.created.Compare(b.created) })
	return list
}
