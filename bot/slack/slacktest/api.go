package slacktest

import (
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Call is one request that the bot made: to the Web API, or to what belongs to
// it, whose names are then "upload" and "response_url".
type Call struct {
	Method string
	// Args are the arguments as text; what is structured is JSON.
	Args map[string]string
	At   time.Time // on the workspace's clock
	// Error is the code that was answered, or empty: "invalid_blocks",
	// "ratelimited", "fault".
	Error string
	// Applied says that it had its effect, whatever was answered.
	Applied bool
}

// Fault is something that goes wrong with the next calls of a method.
type Fault struct {
	Method string // empty: any; also "upload" and "response_url"
	Times  int    // zero means once
	// Error is an error code to answer with status 200, such as "fatal_error".
	Error      string
	Status     int // HTTP status to answer instead, such as 503
	RetryAfter time.Duration
	// Cut ends the connection without an answer, "before" or "after" the call
	// has its effect.
	Cut string
	// Delay holds the answer back, after the effect, until the workspace's
	// clock has moved that far.
	Delay time.Duration
}

// Fault makes the next calls go wrong. Faults of one method happen in the order
// in which they were made.
func (w *Workspace) Fault(f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.Times = max(1, f.Times)
	w.faults = append(w.faults, &f)
}

// Heal forgets the faults that have not happened yet.
func (w *Workspace) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}

// strike is a fault that happens to one call.
type strike struct {
	Fault
	passed chan struct{} // closed when its delay has passed; nil if it has none
}

// reaches reports whether the call has its effect all the same.
func (s *strike) reaches() bool { return s == nil || s.Cut == "after" || s.Delay > 0 && s.Cut == "" }

// fault takes the next fault of a method, or nil. It needs w.mu.
func (w *Workspace) fault(method string) *strike {
	for i, f := range w.faults {
		if f.Method != "" && f.Method != method {
			continue
		}
		if f.Times--; f.Times == 0 {
			w.faults = slices.Delete(w.faults, i, i+1)
		}
		s := &strike{Fault: *f}
		if f.Delay > 0 {
			s.passed = make(chan struct{})
			w.after(f.Delay, func() { close(s.passed) })
		}
		return s
	}
	return nil
}

// Calls returns the calls of a method so far, oldest first; those of every
// method if it is empty.
func (w *Workspace) Calls(method string) []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	var calls []Call
	for _, c := range w.calls {
		if method == "" || c.Method == method {
			calls = append(calls, c)
		}
	}
	return calls
}

// call is one call of a method while it is answered.
type call struct {
	method string
	args   map[string]string
}

func (c *call) get(name string) string { return c.args[name] }

func (c *call) is(name string) bool { return c.args[name] == "true" || c.args[name] == "1" }

// reply is the body of an answer.
type reply map[string]any

// refusal is an error code and what goes with it.
type refusal struct {
	code  string
	extra reply
}

func (r *refusal) String() string {
	if len(r.extra) == 0 {
		return r.code
	}
	return r.code + " " + string(encode(r.extra))
}

func refuse(code string) *refusal { return &refusal{code: code} }

// invalid is a refusal that names what is wrong, as JSON pointers.
func invalid(code string, messages []string) *refusal {
	marked := make([]string, len(messages))
	for i, m := range messages {
		marked[i] = "[ERROR] " + m
	}
	return &refusal{code, reply{"errors": messages, "response_metadata": reply{"messages": marked}}}
}

// method is one method that the workspace plays. It is called with w.mu held.
type method struct {
	do     func(w *Workspace, c *call) (reply, *refusal)
	app    bool // wants the app-level token
	noJSON bool // reads a form only
}

var methods = map[string]method{
	"auth.test":                    {do: (*Workspace).authTest},
	"apps.connections.open":        {do: (*Workspace).connectionsOpen, app: true},
	"chat.postMessage":             {do: (*Workspace).postMessage},
	"chat.postEphemeral":           {do: (*Workspace).postEphemeral},
	"chat.update":                  {do: (*Workspace).updateMessage},
	"chat.delete":                  {do: (*Workspace).deleteMessage},
	"chat.getPermalink":            {do: (*Workspace).getPermalink, noJSON: true},
	"conversations.open":           {do: (*Workspace).conversationsOpen},
	"conversations.info":           {do: (*Workspace).conversationsInfo, noJSON: true},
	"conversations.list":           {do: (*Workspace).conversationsList, noJSON: true},
	"conversations.members":        {do: (*Workspace).conversationsMembers, noJSON: true},
	"conversations.history":        {do: (*Workspace).conversationsHistory},
	"conversations.replies":        {do: (*Workspace).conversationsReplies, noJSON: true},
	"users.info":                   {do: (*Workspace).usersInfo, noJSON: true},
	"users.lookupByEmail":          {do: (*Workspace).usersLookupByEmail, noJSON: true},
	"views.open":                   {do: (*Workspace).viewsOpen},
	"views.push":                   {do: (*Workspace).viewsPush},
	"views.update":                 {do: (*Workspace).viewsUpdate},
	"views.publish":                {do: (*Workspace).viewsPublish},
	"files.getUploadURLExternal":   {do: (*Workspace).getUploadURL, noJSON: true},
	"files.completeUploadExternal": {do: (*Workspace).completeUpload},
	"files.info":                   {do: (*Workspace).filesInfo, noJSON: true},
	"files.delete":                 {do: (*Workspace).filesDelete},
}

// natural are the codes that answer an honest question.
var natural = []string{"users_not_found", "message_not_found", "hash_conflict", "ratelimited"}

// serveAPI answers one call.
func (w *Workspace) serveAPI(rw http.ResponseWriter, r *http.Request) {
	c := &call{method: r.PathValue("method")}
	token, err := c.read(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	f := w.fault(c.method)
	rw.Header().Set("X-OAuth-Scopes", strings.Join(w.options.Scopes, ","))
	var body reply
	var no *refusal
	if f.reaches() {
		body, no = w.answer(c, token)
	}
	w.note(c, f, no)
	w.mu.Unlock()
	if f != nil && w.fail(rw, f) {
		return
	}
	write(rw, body, no)
}

// note records a call, and as a violation if it was refused. It needs w.mu.
func (w *Workspace) note(c *call, f *strike, no *refusal) {
	done := Call{Method: c.method, Args: c.args, At: w.now()}
	switch {
	case no != nil:
		done.Error = no.code
		w.complain(no.code, "%s: %s", c.method, no)
	case f != nil:
		done.Error, done.Applied = "fault", f.reaches()
	default:
		done.Applied = true
	}
	w.calls = append(w.calls, done)
	w.change()
}

// fail makes the fault happen and reports whether nothing more is to be
// answered.
func (w *Workspace) fail(rw http.ResponseWriter, f *strike) bool {
	if f.passed != nil {
		select {
		case <-f.passed:
		case <-w.quit:
		}
	}
	switch {
	case f.Cut != "":
		cutHTTP(rw)
	case f.Status != 0:
		if f.RetryAfter > 0 {
			rw.Header().Set("Retry-After", seconds(f.RetryAfter))
		}
		if f.Status == http.StatusTooManyRequests {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(f.Status)
			io.WriteString(rw, `{"ok":false,"error":"ratelimited"}`)
			return true
		}
		http.Error(rw, "<html>"+http.StatusText(f.Status)+"</html>", f.Status)
	case f.Error != "":
		write(rw, nil, refuse(f.Error))
	default:
		return false
	}
	return true
}

// cutHTTP ends the connection without an answer.
func cutHTTP(rw http.ResponseWriter) {
	c, _, err := http.NewResponseController(rw).Hijack()
	if err == nil {
		c.Close()
	}
}

func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// write answers as Slack does: 200 whatever the outcome, but for the limits.
func write(rw http.ResponseWriter, body reply, no *refusal) {
	full := reply{"ok": no == nil}
	maps.Copy(full, body)
	status := http.StatusOK
	if no != nil {
		full["error"] = no.code
		maps.Copy(full, no.extra)
		if wait, ok := no.extra["retry_after"].(time.Duration); ok {
			delete(full, "retry_after")
			rw.Header().Set("Retry-After", seconds(wait))
			status = http.StatusTooManyRequests
		}
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(full)
}

// read takes the arguments and the token out of a request.
func (c *call) read(r *http.Request) (token string, err error) {
	c.args = map[string]string{}
	token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		var body map[string]json.RawMessage
		if err := json.NewDecoder(io.LimitReader(r.Body, 4<<20)).Decode(&body); err != nil && err != io.EOF { // a body without arguments may be empty
			return "", err
		}
		for name, v := range body {
			var text string
			if json.Unmarshal(v, &text) != nil {
				text = string(v)
			}
			if text != "null" && !methods[c.method].noJSON {
				c.args[name] = text
			}
		}
		return token, nil
	}
	if err := r.ParseForm(); err != nil { // the next would hide that a body was cut off
		return "", err
	}
	if err := r.ParseMultipartForm(4 << 20); err != nil && err != http.ErrNotMultipart {
		return "", err
	}
	for name, v := range r.Form {
		c.args[name] = v[0]
	}
	if t := c.args["token"]; t != "" {
		token = t
		delete(c.args, "token")
	}
	return token, nil
}

// answer checks everything that all methods have in common, and calls the
// method. It needs w.mu.
func (w *Workspace) answer(c *call, token string) (reply, *refusal) {
	m, played := methods[c.method]
	documented, ok := contracts()[c.method]
	if !played {
		if ok {
			return nil, refuse("method_not_played_by_slacktest")
		}
		return nil, refuse("unknown_method")
	}
	if no := w.authorise(m, token); no != nil {
		return nil, no
	}
	if !m.app {
		if no := w.scoped(documented.BotScopes, c); no != nil {
			return nil, no
		}
	}
	if burst, every := documented.tier(); burst > 0 {
		if wait := w.limited(c.method, burst, every); wait > 0 {
			return nil, slowDown(wait)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.args)) {
		if !known(name) {
			w.violate("%s: argument %s is documented nowhere", c.method, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(documented.Args)) {
		if documented.Args[name].Required && c.args[name] == "" {
			return nil, w.missing(c.method, name)
		}
	}
	return m.do(w, c)
}

func slowDown(wait time.Duration) *refusal {
	return &refusal{"ratelimited", reply{"retry_after": max(wait, time.Second)}}
}

// missing is the refusal of a call without an argument that it needs.
func (w *Workspace) missing(method, arg string) *refusal {
	if arg == "channel" {
		return refuse("channel_not_found")
	}
	return invalid("invalid_arguments", []string{"missing required field: " + arg})
}

// authorise needs w.mu.
func (w *Workspace) authorise(m method, token string) *refusal {
	right, wrong := w.BotToken(), w.AppToken()
	if m.app {
		right, wrong = wrong, right
	}
	switch {
	case token == "":
		return refuse("not_authed")
	case w.revoked:
		return refuse("token_revoked")
	case token == wrong:
		return refuse("not_allowed_token_type")
	case token != right:
		return refuse("invalid_auth")
	}
	return nil
}

// scoped refuses a call that no scope of the token allows. It needs w.mu.
func (w *Workspace) scoped(any []string, c *call) *refusal {
	if strings.HasPrefix(c.method, "conversations.") {
		any = w.conversationScopes(any, c)
	}
	if len(any) == 0 {
		return nil
	}
	for _, s := range any {
		if slices.Contains(w.options.Scopes, s) {
			return nil
		}
	}
	return &refusal{"missing_scope", reply{"needed": strings.Join(any, ","), "provided": strings.Join(w.options.Scopes, ",")}}
}

// conversationScopes keeps of a method's scopes the one for the kind of
// conversation that is asked about. It needs w.mu.
func (w *Workspace) conversationScopes(any []string, c *call) []string {
	prefix := ""
	switch to := w.channel(c.get("channel")); {
	case c.method == "conversations.open" && !strings.Contains(c.get("users"), ","):
		prefix = "im:"
	case to == nil:
		return any
	case to.im != "":
		prefix = "im:"
	case to.Private:
		prefix = "groups:"
	default:
		prefix = "channels:"
	}
	return slices.DeleteFunc(slices.Clone(any), func(s string) bool { return !strings.HasPrefix(s, prefix) })
}

// authTest says who the token is.
func (w *Workspace) authTest(*call) (reply, *refusal) {
	r := reply{
		"url": "https://twokey.example/", "team": "Twokey", "user": w.user(w.options.BotUser).Name,
		"team_id": w.options.Team, "user_id": w.options.BotUser, "bot_id": w.botID(), "is_enterprise_install": false,
	}
	if w.options.Enterprise != "" {
		r["enterprise_id"] = w.options.Enterprise
	}
	return r, nil
}

func (w *Workspace) botID() string { return "B" + w.options.BotUser[1:] }

func (w *Workspace) connectionsOpen(*call) (reply, *refusal) {
	if w.options.HTTP != nil || w.linkOff {
		return nil, refuse("forbidden_team")
	}
	secret := w.uuid()
	w.tickets[secret] = true
	return reply{"url": "ws" + strings.TrimPrefix(w.server.URL, "http") + "/link/?ticket=" + secret + "&app_id=" + w.options.AppID}, nil
}
