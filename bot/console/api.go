package console

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"twokey/chat"
)

// maxBody is how many bytes a request's body may have.
const maxBody = 1 << 20

func (c *Console) newRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.page)
	mux.HandleFunc("GET /page/{file}", c.page)
	mux.HandleFunc("GET /api/people", c.answers(c.listPeople))
	mux.HandleFunc("GET /api/about", c.answers(c.about))
	mux.HandleFunc("POST /api/clock", c.answers(c.moveClock))
	mux.HandleFunc("GET /api/people/{person}/messages", c.as(c.listMessages))
	mux.HandleFunc("POST /api/people/{person}/messages", c.as(c.postMessage))
	mux.HandleFunc("POST /api/people/{person}/press", c.as(c.press))
	mux.HandleFunc("GET /api/people/{person}/events", c.as(c.streamEvents))
	mux.HandleFunc("GET /api/people/{person}/commands", c.as(c.listCommands))
	mux.HandleFunc("GET /api/people/{person}/images/{file}", c.as(c.image))
	mux.HandleFunc("GET /api/people/{person}/files/{message}", c.as(c.file))
	return mux
}

// ServeHTTP serves the page at / and the API under /api/.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	if err := guard(r); err != nil {
		c.fail(w, r, err)
		return
	}
	if h, pattern := c.routes.Handler(r); pattern == "" {
		c.fail(w, r, unrouted(h, w, r))
		return
	}
	c.routes.ServeHTTP(w, r)
}

// unrouted words the mux's own refusal as one of ours, and keeps its Allow header.
func unrouted(h http.Handler, w http.ResponseWriter, r *http.Request) error {
	probe := statusOnly{header: http.Header{}}
	h.ServeHTTP(&probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.header.Get("Allow")
		w.Header().Set("Allow", allow)
		return refuse(probe.status, "This address answers %s only.", allow)
	}
	return refuse(http.StatusNotFound, "There is nothing at this address.")
}

// statusOnly is a response of which only the status and the header are of interest.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// answers makes an http.HandlerFunc of a handler that returns its error.
func (c *Console) answers(h func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			c.fail(w, r, err)
		}
	}
}

// as is answers for what is done by the person in the path.
func (c *Console) as(h func(who Person, w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return c.answers(func(w http.ResponseWriter, r *http.Request) error {
		who, known := c.people.byID[r.PathValue("person")]
		if !known {
			return refuse(http.StatusNotFound, "There is no person %q here; GET /api/people lists them.", r.PathValue("person"))
		}
		return h(who, w, r)
	})
}

func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, say := outcome(err)
	if status >= http.StatusInternalServerError {
		c.cfg.Log.ErrorContext(r.Context(), "console request failed", "path", r.URL.Path, "error", err)
	}
	_ = writeJSON(w, status, map[string]string{"error": say}) // fails only if the reader has gone
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}

// readJSON decodes the whole body into v. Its refusals end with the shape that
// would have been right.
func readJSON(w http.ResponseWriter, r *http.Request, v any, shape string) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return refuse(http.StatusRequestEntityTooLarge, "The body is longer than 1 MiB; send less.")
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "The body broke off; send it again.")
	}
	var wrongType *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, v); {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return refuse(http.StatusBadRequest, "%q has the wrong type; send %s.", wrongType.Field, shape)
	case err != nil:
		return refuse(http.StatusBadRequest, "The body is not the JSON that belongs here; send %s.", shape)
	}
	return nil
}

func (c *Console) listPeople(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, c.people.render(c.latest))
}

// latest returns the ID of the last message that a person sees and did not write.
func (c *Console) latest(person string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, m := range slices.Backward(c.history.messages) {
		if m.from != person && c.people.sees(person, m) {
			return m.id
		}
	}
	return ""
}

func (c *Console) listCommands(who Person, w http.ResponseWriter, _ *http.Request) error {
	var specs []chat.CommandSpec
	if c.cfg.Commands != nil {
		specs = c.cfg.Commands(account(who))
	}
	return writeJSON(w, http.StatusOK, renderCommands(specs))
}

func (c *Console) about(w http.ResponseWriter, _ *http.Request) error {
	now := c.cfg.Now()
	return writeJSON(w, http.StatusOK, apiAbout{
		Now: now, Zone: now.Location().String(), Monday: nextMonday(now),
		Clock: c.cfg.Advance != nil, Notes: append([]string{}, c.cfg.Notes...),
	})
}

func (c *Console) moveClock(w http.ResponseWriter, r *http.Request) error {
	if c.cfg.Advance == nil {
		return refuse(http.StatusNotFound, "The clock cannot be moved here.")
	}
	const shape = `{"advance":"8h"}`
	var in struct {
		Advance string `json:"advance"`
	}
	if err := readJSON(w, r, &in, shape); err != nil {
		return err
	}
	by, err := time.ParseDuration(in.Advance)
	if err != nil || by <= 0 {
		return refuse(http.StatusBadRequest, "The clock moves forward by a duration such as 10m or 8h; send %s.", shape)
	}
	c.moving.Lock()
	defer c.moving.Unlock()
	if err := c.cfg.Advance(by); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]time.Time{"now": c.cfg.Now()})
}

func (c *Console) listMessages(who Person, w http.ResponseWriter, r *http.Request) error {
	after := 0
	if id := r.URL.Query().Get("after"); id != "" {
		n, ok := messageNumber(id)
		if !ok {
			return refuse(http.StatusBadRequest, "%q is not a message id such as m000001.", id)
		}
		after = n
	}
	return writeJSON(w, http.StatusOK, renderAll(c.visibleAfter(who.ID, after), who.ID))
}

// visibleAfter returns what a person sees after the message with the number.
func (c *Console) visibleAfter(person string, number int) (visible []*message) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, m := range c.history.messages[min(number, len(c.history.messages)):] {
		if c.people.sees(person, m) {
			visible = append(visible, m)
		}
	}
	return visible
}

// visible returns a message if there is one that the person sees.
func (c *Console) visible(person, id string) (*message, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if m := c.history.find(id); m != nil && c.people.sees(person, m) {
		return m, nil
	}
	return nil, refuse(http.StatusNotFound, "There is no message %q that %s can see.", chat.Safe(id, 40), person)
}

func (c *Console) image(who Person, w http.ResponseWriter, r *http.Request) error {
	id, isPNG := strings.CutSuffix(r.PathValue("file"), ".png")
	m, err := c.visible(who.ID, id)
	if err != nil {
		return err
	}
	if !isPNG || m.body.Image == nil {
		return refuse(http.StatusNotFound, "Message %s has no picture at this address.", m.id)
	}
	w.Header().Set("Content-Type", "image/png")
	_, err = w.Write(m.body.Image.PNG)
	return err
}

// file gives a message's file to be kept, never to be opened in the page.
func (c *Console) file(who Person, w http.ResponseWriter, r *http.Request) error {
	m, err := c.visible(who.ID, r.PathValue("message"))
	if err != nil {
		return err
	}
	f := m.body.File
	if f == nil {
		return refuse(http.StatusNotFound, "Message %s has no file.", m.id)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Shown()}))
	_, err = w.Write(f.Data)
	return err
}
