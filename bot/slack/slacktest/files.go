package slacktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// file is one uploaded file.
type file struct {
	id, name, title, alt string
	secret               string // of its upload address
	length               int    // as announced
	data                 []byte
	uploaded             bool
	done                 bool // the upload was completed
	ready                time.Time
	media                string // what it turns out to be
	channels             []string
	deleted              bool
}

// getUploadURL is files.getUploadURLExternal.
func (w *Workspace) getUploadURL(c *call) (reply, *refusal) {
	n, err := strconv.Atoi(c.get("length"))
	if err != nil || n <= 0 {
		return nil, invalid("invalid_arguments", []string{"must be greater than 0 [json-pointer:/length]"})
	}
	alt := or(c.get("alt_txt"), c.get("alt_text"))
	if len([]rune(alt)) > 1000 {
		return nil, refuse("alt_txt_too_large")
	}
	f := &file{id: w.newID("F"), name: c.get("filename"), alt: alt, length: n, secret: w.uuid()}
	w.files[f.id], w.uploads[f.secret] = f, f
	return reply{"upload_url": w.server.URL + "/upload/" + f.secret, "file_id": f.id}, nil
}

// serveUpload takes a file's bytes.
func (w *Workspace) serveUpload(rw http.ResponseWriter, r *http.Request) {
	data, err := uploaded(r)
	c := &call{method: "upload", args: map[string]string{"size": strconv.Itoa(len(data))}}
	w.mu.Lock()
	f := w.fault(c.method)
	var no *refusal
	if f.reaches() {
		no = w.store(r.PathValue("secret"), data, err)
	}
	w.note(c, f, no)
	w.mu.Unlock()
	if f != nil && w.fail(rw, f) {
		return
	}
	if no != nil {
		http.Error(rw, no.code, http.StatusBadRequest)
		return
	}
	rw.Header().Set("Content-Type", "text/plain")
	io.WriteString(rw, "OK - "+strconv.Itoa(len(data)))
}

// errEnds is a form that goes on after its end. Servers differ in whether that
// is part of the file.
var errEnds = errors.New("a form with two ends")

// uploaded reads the bytes of an upload, which come alone or in a form.
func uploaded(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return body, err
	}
	end := []byte("--" + parameters["boundary"] + "--")
	if bytes.Count(body, end) > 1 {
		return nil, errEnds
	}
	parts := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		p, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if p.FileName() != "" {
			return io.ReadAll(p)
		}
	}
}

// store needs w.mu.
func (w *Workspace) store(secret string, data []byte, err error) *refusal {
	f := w.uploads[secret]
	switch {
	case f == nil:
		return refuse("upload_not_found")
	case err != nil:
		return refuse("upload_broken")
	case len(data) != f.length:
		return refuse("upload_length_mismatch")
	}
	f.data, f.uploaded = data, true
	return nil
}

// completeUpload is files.completeUploadExternal.
func (w *Workspace) completeUpload(c *call) (reply, *refusal) {
	var list []struct{ ID, Title string }
	if err := json.Unmarshal([]byte(c.get("files")), &list); err != nil || len(list) == 0 {
		return nil, invalid("invalid_arguments", []string{"must provide files [json-pointer:/files]"})
	}
	var to *Channel
	if id := c.get("channel_id"); id != "" {
		if !strings.ContainsAny(id[:1], "CGDZ") {
			return nil, invalid("invalid_arguments", []string{"input must match regex pattern: ^[CGDZ][A-Z0-9]{8,}$ [json-pointer:/channel_id]"})
		}
		var no *refusal
		if to, no = w.target(id, false); no != nil {
			return nil, no
		}
	}
	var files []*file
	for _, o := range list {
		f := w.files[o.ID]
		if f == nil || !f.uploaded || f.done || f.deleted {
			return nil, refuse("file_not_found")
		}
		f.title = or(o.Title, f.name)
		files = append(files, f)
	}
	return w.complete(c, files, to), nil
}

// complete needs w.mu.
func (w *Workspace) complete(c *call, files []*file, to *Channel) reply {
	var out []reply
	for _, f := range files {
		f.done, f.ready = true, w.now().Add(w.options.Processing)
		f.media = mediaOf(f)
		if to != nil {
			f.channels = append(f.channels, to.ID)
		}
		out = append(out, w.fileObject(f))
	}
	if to != nil {
		m := &message{channel: to, from: w.options.BotUser, at: w.now(), text: c.get("initial_comment"), files: files, thread: c.get("thread_ts"), ts: w.nextTS()}
		w.keep(m)
	}
	w.change()
	return reply{"files": out}
}

// mediaOf is what a file is, by its content and then by its name.
func mediaOf(f *file) string {
	kind, _, _ := strings.Cut(http.DetectContentType(f.data), ";")
	if kind == "text/plain" || kind == "application/octet-stream" {
		if byName, _, _ := strings.Cut(mime.TypeByExtension(path.Ext(f.name)), ";"); byName != "" {
			kind = byName
		}
	}
	return kind
}

// mimetype is the media type of a file, or empty as long as Slack is still
// looking at it. It needs w.mu.
func (w *Workspace) mimetype(f *file) string {
	if !f.done || w.now().Before(f.ready) {
		return ""
	}
	return f.media
}

// fileObject is a file as the API shows it. It needs w.mu.
func (w *Workspace) fileObject(f *file) reply {
	media := w.mimetype(f)
	kind := ""
	if media != "" {
		kind = strings.TrimPrefix(path.Ext(f.name), ".")
	}
	r := reply{
		"id": f.id, "created": 1700000000, "timestamp": 1700000000, "name": f.name, "title": f.title, "mimetype": media,
		"filetype": kind, "pretty_type": strings.ToUpper(kind), "user": w.options.BotUser, "size": len(f.data), "mode": "hosted",
		"is_external": false, "is_public": len(f.channels) > 0, "alt_txt": f.alt, "file_access": "visible",
		"url_private":          w.server.URL + "/files/" + f.id,
		"url_private_download": w.server.URL + "/files/" + f.id,
		"permalink":            "https://twokey.example/files/" + f.id,
		"channels":             append([]string{}, f.channels...), "groups": []string{}, "ims": []string{},
	}
	if strings.HasPrefix(media, "image/") {
		r["thumb_360"], r["original_w"], r["original_h"] = w.server.URL+"/files/"+f.id, 360, 360
	}
	return r
}

// filesInfo is files.info.
func (w *Workspace) filesInfo(c *call) (reply, *refusal) {
	f := w.files[c.get("file")]
	switch {
	case f == nil || !f.done:
		return nil, refuse("file_not_found")
	case f.deleted:
		return nil, refuse("file_deleted")
	}
	return reply{"file": w.fileObject(f), "comments": []any{}, "paging": reply{}, "response_metadata": reply{"next_cursor": ""}}, nil
}

// filesDelete is files.delete.
func (w *Workspace) filesDelete(c *call) (reply, *refusal) {
	f := w.files[c.get("file")]
	switch {
	case f == nil:
		return nil, refuse("file_not_found")
	case f.deleted:
		return nil, refuse("file_deleted")
	}
	f.deleted = true
	w.change()
	return reply{}, nil
}

// Files returns every file that was uploaded and is not deleted, by ID.
func (w *Workspace) Files() []File {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []File
	for _, f := range w.files {
		if f.done && !f.deleted {
			all = append(all, File{ID: f.id, Name: f.name, Title: f.title, Mimetype: w.mimetype(f), Alt: f.alt, Data: f.data})
		}
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// fileOf returns the file that a block refers to, by ID or address. It needs w.mu.
func (w *Workspace) fileOf(ref object) *file {
	id := text0(ref, "id")
	if address := text0(ref, "url"); address != "" {
		id = path.Base(address)
	}
	return w.files[id]
}

// serveFile gives a file's bytes to the bot.
func (w *Workspace) serveFile(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	f := w.files[r.PathValue("id")]
	found := f != nil && f.done && !f.deleted && r.Header.Get("Authorization") == "Bearer "+w.BotToken()
	w.mu.Unlock()
	if !found {
		http.Error(rw, "not found", http.StatusNotFound)
		return
	}
	rw.Header().Set("Content-Type", f.media)
	http.ServeContent(rw, r, f.name, time.Time{}, bytes.NewReader(f.data))
}
