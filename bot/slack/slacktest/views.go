package slacktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// View is a modal, as the person who has it open sees it.
type View struct {
	ID              string
	Hash            string
	ExternalID      string
	CallbackID      string
	Title           string
	SubmitLabel     string // empty: it cannot be submitted
	CloseLabel      string
	PrivateMetadata string
	Blocks          json.RawMessage
	Inputs          []Input
	Buttons         []Button
	Plain           string
	Pings, Links    []string
	// Errors are what the bot said of the last submission, by block ID.
	Errors map[string]string

	user   string
	kind   surface
	body   object
	blocks []any
	state  map[string]any // values by block and action
	root   string
	below  string
	notify bool
}

// Input is one field of a modal.
type Input struct {
	Block, Action, Label, Kind string // Kind: "plain_text_input", "static_select", …
	Initial                    string
	Optional, Multiline        bool
	Max                        int      // characters; 0: 3,000
	Options                    []string // values of a select
}

// trigger is the right to open one modal, for three seconds.
type trigger struct {
	user string
	at   time.Time
	used bool
	view *View // the view that it was made in
}

// newTrigger needs w.mu.
func (w *Workspace) newTrigger(user string, in *View) string {
	id := fmt.Sprintf("%d.%d.%s", w.next(), w.now().UnixNano(), w.uuid())
	w.triggers[id] = &trigger{user: user, at: w.now(), view: in}
	return id
}

// pull uses a trigger up. It needs w.mu.
func (w *Workspace) pull(c *call) (*trigger, *refusal) {
	t := w.triggers[c.get("trigger_id")]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case w.now().Sub(t.at) > deadline:
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

// parseView reads and checks the view of a call or of an acknowledgement. It
// needs w.mu.
func (w *Workspace) parseView(text string, want surface) (*View, *refusal) {
	if len(text) > maxViewBytes {
		return nil, refuse("view_too_large")
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	body, ok := parsed.(object)
	if err != nil || !ok {
		return nil, invalid("invalid_arguments", []string{"must be a valid view [json-pointer:/view]"})
	}
	if text0(body, "type") != string(want) {
		return nil, invalid("invalid_arguments", []string{"must be a view of type " + string(want) + " [json-pointer:/view/type]"})
	}
	if wrong := w.checkView(body, want); len(wrong) > 0 {
		return nil, invalid("invalid_arguments", wrong)
	}
	v := &View{body: body, kind: want, ID: w.newID("V")}
	v.blocks, _ = body["blocks"].([]any)
	v.Hash = fmt.Sprintf("%d.%s", w.now().Unix(), w.uuid()[:8])
	v.read()
	return v, nil
}

// checkView needs w.mu.
func (w *Workspace) checkView(body object, want surface) (wrong []string) {
	name := "ModalView"
	if want == onHome {
		name = "HomeView"
	}
	blocks, _ := body["blocks"].([]any)
	outer := object{}
	for k, v := range body {
		outer[k] = v
	}
	outer["blocks"] = []any{} // they are looked at one by one
	if body["blocks"] == nil {
		delete(outer, "blocks")
	}
	if err := definitions()[name].Validate(outer); err != nil {
		wrong = append(wrong, pointers(err, "/view")...)
	}
	for _, m := range w.check(want, nil, blocks) {
		wrong = append(wrong, strings.Replace(m, "json-pointer:/", "json-pointer:/view/", 1))
	}
	if want == onModal && body["submit"] == nil && slices.ContainsFunc(blocks, isInput) {
		wrong = append(wrong, "missing required field: submit [json-pointer:/view/submit]")
	}
	return wrong
}

func isInput(b any) bool {
	o, ok := b.(object)
	return ok && o["type"] == "input"
}

// read fills what a person sees of a view from its body.
func (v *View) read() {
	label := func(name string) string {
		o, _ := v.body[name].(object)
		return text0(o, "text")
	}
	v.Title, v.SubmitLabel, v.CloseLabel = label("title"), label("submit"), label("close")
	v.PrivateMetadata, v.CallbackID, v.ExternalID = text0(v.body, "private_metadata"), text0(v.body, "callback_id"), text0(v.body, "external_id")
	v.notify, _ = v.body["notify_on_close"].(bool)
	v.Blocks, v.Buttons = encode(v.blocks), buttons(v.blocks)
	v.Inputs, v.state = nil, map[string]any{}
	for _, b := range v.blocks {
		if o := b.(object); o["type"] == "input" {
			in := inputOf(o)
			v.Inputs = append(v.Inputs, in)
			v.state[in.Block] = object{in.Action: value(in, in.Initial)}
		}
	}
	var r reading
	r.blocks(v.blocks)
	v.Plain, v.Pings, v.Links = strings.Join(r.plain, "\n"), r.pings, r.links
}

func inputOf(o object) Input {
	element, _ := o["element"].(object)
	label, _ := o["label"].(object)
	in := Input{Block: text0(o, "block_id"), Action: text0(element, "action_id"), Label: text0(label, "text"), Kind: text0(element, "type"), Initial: text0(element, "initial_value")}
	in.Optional, _ = o["optional"].(bool)
	in.Multiline, _ = element["multiline"].(bool)
	if n, ok := element["max_length"].(json.Number); ok {
		most, _ := n.Int64()
		in.Max = int(most)
	}
	options, _ := element["options"].([]any)
	for _, o := range options {
		in.Options = append(in.Options, text0(o.(object), "value"))
	}
	if initial, ok := element["initial_option"].(object); ok {
		in.Initial = text0(initial, "value")
	}
	return in
}

// value is what a field holds, as Slack sends it.
func value(in Input, text string) object {
	v := object{"type": in.Kind}
	switch in.Kind {
	case "static_select", "radio_buttons":
		v["selected_option"] = nil
		if text != "" {
			v["selected_option"] = object{"text": object{"type": "plain_text", "text": text, "emoji": true}, "value": text}
		}
	case "users_select":
		v["selected_user"] = orNil(text)
	case "conversations_select":
		v["selected_conversation"] = orNil(text)
	case "channels_select":
		v["selected_channel"] = orNil(text)
	case "datepicker":
		v["selected_date"] = orNil(text)
	case "timepicker":
		v["selected_time"] = orNil(text)
	default:
		v["value"] = orNil(text)
	}
	return v
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// output is a view as the API shows it. It needs w.mu.
func (w *Workspace) output(v *View) reply {
	r := reply{
		"id": v.ID, "team_id": w.options.Team, "type": string(v.kind), "blocks": v.blocks, "private_metadata": v.PrivateMetadata,
		"callback_id": v.CallbackID, "external_id": v.ExternalID, "hash": v.Hash, "state": object{"values": maps.Clone(v.state)},
		"title": nil, "submit": nil, "close": nil, "clear_on_close": false, "notify_on_close": v.notify,
		"root_view_id": or(v.root, v.ID), "previous_view_id": orNil(v.below), "app_id": w.options.AppID,
		"app_installed_team_id": w.options.Team, "bot_id": w.botID(),
	}
	for _, name := range []string{"title", "submit", "close"} {
		if o, ok := v.body[name].(object); ok {
			r[name] = o
		}
	}
	if v.kind == onHome {
		r["title"] = object{"type": "plain_text", "text": "View Title", "emoji": true}
	}
	return r
}

// unique refuses an external ID that another view has. It needs w.mu.
func (w *Workspace) unique(v *View, but string) *refusal {
	if v.ExternalID == "" {
		return nil
	}
	for _, o := range w.views() {
		if o.ExternalID == v.ExternalID && o.ID != but {
			return refuse("duplicate_external_id")
		}
	}
	return nil
}

// views are all open views and homes. It needs w.mu.
func (w *Workspace) views() (all []*View) {
	for _, stack := range w.modals {
		all = append(all, stack...)
	}
	for _, v := range w.homes {
		all = append(all, v)
	}
	return all
}

// viewsOpen is views.open.
func (w *Workspace) viewsOpen(c *call) (reply, *refusal) {
	v, no := w.parseView(c.get("view"), onModal)
	if no != nil {
		return nil, no
	}
	if no := w.unique(v, ""); no != nil {
		return nil, no
	}
	t, no := w.pull(c)
	if no != nil {
		return nil, no
	}
	v.user = t.user
	w.modals[t.user] = []*View{v}
	w.change()
	return reply{"view": w.output(v)}, nil
}

// viewsPush is views.push.
func (w *Workspace) viewsPush(c *call) (reply, *refusal) {
	v, no := w.parseView(c.get("view"), onModal)
	if no != nil {
		return nil, no
	}
	t, no := w.pull(c)
	if no != nil {
		return nil, no
	}
	if t.view == nil || t.view.kind != onModal {
		return nil, refuse("invalid_trigger_id")
	}
	if no := w.push(t.user, v); no != nil {
		return nil, no
	}
	return reply{"view": w.output(v)}, nil
}

// push puts a view on top of a person's. It needs w.mu.
func (w *Workspace) push(user string, v *View) *refusal {
	stack := w.modals[user]
	if len(stack) == 0 {
		return refuse("not_found")
	}
	if len(stack) >= maxInteractions {
		return refuse("push_limit_reached")
	}
	v.user, v.root, v.below = user, stack[0].ID, stack[len(stack)-1].ID
	w.modals[user] = append(stack, v)
	w.change()
	return nil
}

// viewsUpdate is views.update.
func (w *Workspace) viewsUpdate(c *call) (reply, *refusal) {
	v, no := w.parseView(c.get("view"), onModal)
	if no != nil {
		return nil, no
	}
	for _, old := range w.views() {
		if old.kind != onModal || old.ID != c.get("view_id") && (c.get("external_id") == "" || old.ExternalID != c.get("external_id")) {
			continue
		}
		if hash := c.get("hash"); hash != "" && hash != old.Hash {
			return nil, refuse("hash_conflict")
		}
		w.replace(old, v)
		return reply{"view": w.output(old)}, nil
	}
	return nil, refuse("not_found")
}

// replace gives an open view the content of another. What was typed stays where
// the fields stay. It needs w.mu.
func (w *Workspace) replace(old, v *View) {
	typed := old.state
	id, user, root, below := old.ID, old.user, old.root, old.below
	*old = *v
	old.ID, old.user, old.root, old.below = id, user, root, below
	for block := range old.state {
		if had, ok := typed[block]; ok {
			old.state[block] = had
		}
	}
	w.change()
}

// viewsPublish is views.publish.
func (w *Workspace) viewsPublish(c *call) (reply, *refusal) {
	v, no := w.parseView(c.get("view"), onHome)
	if no != nil {
		return nil, no
	}
	user := c.get("user_id")
	if w.user(user) == nil {
		return nil, refuse("user_not_found")
	}
	old := w.homes[user]
	if hash := c.get("hash"); hash != "" && (old == nil || hash != old.Hash) {
		return nil, refuse("hash_conflict")
	}
	v.user = user
	if old != nil {
		v.ID = old.ID
	}
	w.homes[user] = v
	w.change()
	return reply{"view": w.output(v)}, nil
}

// Modal returns the modal that a person has open on top; nil if none is.
func (w *Workspace) Modal(user string) *View {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.top(user)
	if v == nil {
		return nil
	}
	shown := *v
	shown.Errors = map[string]string{}
	for block, text := range v.Errors {
		shown.Errors[block] = text
	}
	shown.Inputs = slices.Clone(v.Inputs)
	shown.blocks, shown.body, shown.state = nil, nil, nil
	return &shown
}

// top needs w.mu.
func (w *Workspace) top(user string) *View {
	stack := w.modals[user]
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1]
}

// tooLong reports whether a field would not take a text.
func (in Input) tooLong(text string) bool {
	return utf8.RuneCountInString(text) > or(in.Max, 3000)
}
