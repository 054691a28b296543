package store

import (
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

// known is what a transaction has read ahead for its callers, in one go, and
// what their writing has made of it since. As long as the transaction is open
// nobody else writes, so that it is what another reading would find. A nil
// known knows nothing.
type known struct {
	frozen    map[string]approval.Freeze     // by tenant
	open      map[string][]approval.Request  // by tenant: in a state that is not final, oldest first
	keys      map[string]*approval.Request   // by the delivery's key; nil: there is none
	requests  map[string]*approval.Request   // by ID or reference; nil: there is none
	decisions map[string][]approval.Decision // by request ID
	alike     map[likeness]alike
	aliases   map[person]*alias // nil: there is none
	last      *audit.Record     // the newest
}

type person struct{ tenant, object string }

type alias struct{ pseudonym, name string }

// likeness is what requests have in common that are alike.
type likeness struct{ tenant, kind, args string }

type alike struct {
	young    time.Duration // those that are no older than this are all here
	requests []approval.Request
}

func newKnown() *known {
	k := &known{}
	k.forget()
	return k
}

// forget is for when what was written is taken back.
func (k *known) forget() {
	*k = known{
		frozen: map[string]approval.Freeze{}, open: map[string][]approval.Request{},
		keys: map[string]*approval.Request{}, requests: map[string]*approval.Request{},
		decisions: map[string][]approval.Decision{}, alike: map[likeness]alike{}, aliases: map[person]*alias{},
		last: k.last,
	}
}

// writes finds the statements that change what is known here.
var writes = regexp.MustCompile(`\b(request|decision|alias|frozen)\b`)

// outdate forgets what a statement may change that k is not told of otherwise.
func (k *known) outdate(statement string) {
	if k != nil && writes.MatchString(statement) {
		k.forget()
	}
}

func (k *known) inserted(r approval.Request) {
	if k == nil {
		return
	}
	delete(k.keys, r.Key)
	delete(k.requests, r.ID)
	delete(k.requests, r.Ref)
	delete(k.alike, likeness{r.Tenant, r.Kind, string(r.Args)})
	if open, ok := k.open[r.Tenant]; ok {
		k.open[r.Tenant] = append(open, r) // nothing is older than what is new
	}
}

// moved takes in that a request is r now.
func (k *known) moved(r approval.Request) {
	if k == nil {
		return
	}
	for _, name := range []string{r.ID, r.Ref} {
		if _, ok := k.requests[name]; ok {
			k.requests[name] = &r
		}
	}
	delete(k.keys, r.Key)
	delete(k.alike, likeness{r.Tenant, r.Kind, string(r.Args)})
	open := k.open[r.Tenant]
	i := slices.IndexFunc(open, func(o approval.Request) bool { return o.ID == r.ID })
	switch {
	case i < 0:
	case r.State.Final():
		k.open[r.Tenant] = slices.Delete(slices.Clone(open), i, i+1)
	default:
		k.open[r.Tenant] = slices.Clone(open)
		k.open[r.Tenant][i] = r
	}
}

func (k *known) decided(d approval.Decision) {
	if k != nil {
		delete(k.decisions, d.Request)
	}
}

func (k *known) named(p person, a alias) {
	if k != nil {
		k.aliases[p] = &a
	}
}

// request returns one by ID or reference, if it is known whether there is one.
func (k *known) request(idOrRef string) (r *approval.Request, ok bool) {
	if k == nil {
		return nil, false
	}
	r, ok = k.requests[idOrRef]
	return r, ok
}

// byName returns what is stored of r, if that is known.
func (k *known) byName(r approval.Request) (stored *approval.Request, ok bool) {
	if stored, ok = k.request(r.ID); ok {
		return stored, ok
	}
	return k.request(r.Ref)
}

// byKey returns the request of a delivery, if it is known whether there is one.
func (k *known) byKey(key string) (r *approval.Request, ok bool) {
	if k == nil {
		return nil, false
	}
	r, ok = k.keys[key]
	return r, ok
}

// inStates returns a tenant's requests in the states, if they are known.
func (k *known) inStates(tenant string, states []approval.State) (all []approval.Request, ok bool) {
	if k == nil || len(states) == 0 || slices.ContainsFunc(states, approval.State.Final) {
		return nil, false
	}
	open, ok := k.open[tenant]
	if slices.Equal(states, approval.OpenStates()) {
		return slices.Clip(open), ok // what changes one of them makes a list of its own
	}
	for _, r := range open {
		if slices.Contains(states, r.State) {
			all = append(all, r)
		}
	}
	return all, ok
}

// decisionsOn returns a request's, if they are known.
func (k *known) decisionsOn(request string) (all []approval.Decision, ok bool) {
	if k == nil {
		return nil, false
	}
	all, ok = k.decisions[request]
	return slices.Clone(all), ok
}

// freeze returns a tenant's, if it is known.
func (k *known) freeze(tenant string) (f approval.Freeze, ok bool) {
	if k == nil {
		return f, false
	}
	f, ok = k.frozen[tenant]
	return f, ok
}

// alias returns a person's, if it is known whether there is one.
func (k *known) alias(p person) (a *alias, ok bool) {
	if k == nil {
		return nil, false
	}
	a, ok = k.aliases[p]
	return a, ok
}

// asOf returns those alike r since then, if all of them are known. It is now at.
func (k *known) asOf(at time.Time, r approval.Request, since time.Time) (all []approval.Request, ok bool) {
	if k == nil {
		return nil, false
	}
	found, ok := k.alike[likeness{r.Tenant, r.Kind, string(r.Args)}]
	if !ok || since.Before(at.Add(-found.young)) {
		return nil, false
	}
	for _, o := range found.requests {
		if !o.Created.Before(since) {
			all = append(all, o)
		}
	}
	return all, true
}

// query is a statement that reads, and what is done with each row. "IN ()" in its
// text stands for any of a list, which is its last argument, a []string.
type query struct {
	statement
	scan func(scanner) error
}

// in is a query for what has one of the values.
func in(text string, scan func(scanner) error, values []string, before ...any) query {
	return query{statement{text: text, args: append(slices.Clone(before), values)}, scan}
}

// ahead collects what several callers are going to read.
type ahead struct {
	tenants, open, keys, requests, decisions distinct
	people                                   map[string]distinct
	alike                                    map[likeness]time.Duration
}

// distinct keeps strings, each once, in their order.
type distinct []string

func (s *distinct) add(values ...string) {
	for _, v := range values {
		if v != "" && !slices.Contains(*s, v) {
			*s = append(*s, v)
		}
	}
}

func gather(wanted iter.Seq[approval.Ahead]) ahead {
	a := ahead{people: map[string]distinct{}, alike: map[likeness]time.Duration{}}
	for w := range wanted {
		a.keys.add(w.Key)
		a.requests.add(w.Request)
		a.decisions.add(w.Decided)
		people := a.people[w.Tenant]
		people.add(w.People...)
		a.people[w.Tenant] = people
		if w.Asked != nil {
			a.tenants.add(w.Tenant)
			a.open.add(w.Tenant)
			like := likeness{w.Tenant, w.Asked.Kind, string(w.Asked.Args)}
			a.alike[like] = max(a.alike[like], w.Since)
		}
	}
	return a
}

// readOpen names the states, so that whoever plans it knows how few are in them.
var readOpen = func() string {
	var states []string
	for _, s := range approval.OpenStates() {
		states = append(states, "'"+string(s)+"'")
	}
	return "SELECT " + requestColumns + " FROM request WHERE tenant = ? AND state IN (" + strings.Join(states, ", ") + ")" + inOrder
}()

// queries fill k with what a asks for.
func (k *known) queries(a ahead) (all []query) {
	if len(a.tenants) > 0 {
		for _, t := range a.tenants {
			k.frozen[t] = approval.Freeze{}
		}
		all = append(all, in("SELECT tenant, since, author, why FROM frozen WHERE tenant IN ()", k.scanFreeze, a.tenants))
	}
	for _, t := range a.open {
		k.open[t] = nil
		all = append(all, query{statement{text: readOpen, args: []any{t}}, scanInto(func(r approval.Request) {
			k.open[r.Tenant] = append(k.open[r.Tenant], r)
		})})
	}
	if len(a.keys) > 0 {
		for _, key := range a.keys {
			k.keys[key] = nil
		}
		all = append(all, in("SELECT "+requestColumns+" FROM request WHERE key IN ()", scanInto(func(r approval.Request) { k.keys[r.Key] = &r }), a.keys))
	}
	all = append(all, k.readRequests(a)...)
	all = append(all, k.readAlike(a)...)
	for tenant, people := range a.people {
		if len(people) == 0 {
			continue
		}
		for _, object := range people {
			k.aliases[person{tenant, object}] = nil
		}
		all = append(all, in("SELECT tenant, object, pseudonym, name FROM alias WHERE tenant = ? AND object IN ()", k.scanName, people, tenant))
	}
	return all
}

// readRequests looks for what looks like a reference by that, and for IDs by
// the ID: a condition with OR takes longer than either.
func (k *known) readRequests(a ahead) (all []query) {
	var refs, ids distinct
	for _, name := range a.requests {
		k.requests[name] = nil
		if strings.HasPrefix(name, "R-") {
			refs.add(name)
		} else {
			ids.add(name)
		}
	}
	if len(refs) > 0 {
		all = append(all, in("SELECT "+requestColumns+" FROM request WHERE ref IN ()", scanInto(func(r approval.Request) { k.requests[r.Ref] = &r }), refs))
	}
	if len(ids) > 0 {
		all = append(all, in("SELECT "+requestColumns+" FROM request WHERE id IN ()", scanInto(func(r approval.Request) { k.requests[r.ID] = &r }), ids))
	}
	if len(a.decisions) > 0 {
		for _, id := range a.decisions {
			k.decisions[id] = nil
		}
		all = append(all, in("SELECT "+decisionColumns+" FROM decision WHERE request IN () ORDER BY number", k.scanDecision, a.decisions))
	}
	return all
}

// slack is more than passes between two looks at the clock in one transaction.
const slack = time.Minute

func (k *known) readAlike(a ahead) (all []query) {
	type kind struct{ tenant, kind string }
	args, young := map[kind]distinct{}, map[kind]time.Duration{}
	for like, d := range a.alike {
		of := kind{like.tenant, like.kind}
		texts := args[of]
		texts.add(like.args)
		args[of], young[of] = texts, max(young[of], d)
	}
	for of, texts := range args {
		var beginnings distinct
		for _, text := range texts {
			k.alike[likeness{of.tenant, of.kind, text}] = alike{young: young[of]}
			beginnings.add(beginning(text))
		}
		all = append(all, in("SELECT "+requestColumns+" FROM request WHERE tenant = ? AND kind = ? AND +created >= (SELECT twokey_now()) - ? AND substr(args, 1, 200) IN ()"+inOrder,
			scanInto(func(r approval.Request) {
				like := likeness{r.Tenant, r.Kind, string(r.Args)}
				if found, asked := k.alike[like]; asked { // it does not only begin like that
					found.requests = append(found.requests, r)
					k.alike[like] = found
				}
			}), beginnings, of.tenant, of.kind, (young[of]+slack).Microseconds()))
	}
	return all
}

// beginning is the part of arguments by which the database finds them: its first
// 200 characters.
func beginning(args string) string {
	n := 0
	for i := range args {
		if n == 200 {
			return args[:i]
		}
		n++
	}
	return args
}

func scanInto(keep func(approval.Request)) func(scanner) error {
	return func(row scanner) error {
		r, err := scanRequest(row)
		if err == nil {
			keep(r)
		}
		return err
	}
}

func (k *known) newest() query {
	return query{statement{text: newestRecord}, func(row scanner) error {
		r, err := scanRecord(row)
		k.last = &r
		return err
	}}
}

func (k *known) scanFreeze(row scanner) error {
	var tenant string
	var f approval.Freeze
	var since int64
	err := row.Scan(&tenant, &since, &f.By, &f.Why)
	f.Since = moment(since)
	k.frozen[tenant] = f
	return err
}

func (k *known) scanDecision(row scanner) error {
	d, err := scanDecision(row)
	if err == nil {
		k.decisions[d.Request] = append(k.decisions[d.Request], d)
	}
	return err
}

func (k *known) scanName(row scanner) error {
	var p person
	var a alias
	err := row.Scan(&p.tenant, &p.object, &a.pseudonym, &a.name)
	k.aliases[p] = &a
	return err
}
