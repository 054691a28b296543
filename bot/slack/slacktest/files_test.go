package slacktest

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// upload puts bytes where Slack said.
func (b bot) upload(address string, data []byte) int {
	b.t.Helper()
	resp, err := http.Post(address, "application/octet-stream", bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// file shares a file with a channel and returns its ID.
func (b bot) file(name string, data []byte, channel string) (id string) {
	b.t.Helper()
	got := b.ok("files.getUploadURLExternal", "filename", name, "length", string(encode(len(data))), "alt_txt", "a trend")
	if status := b.upload(got["upload_url"].(string), data); status != http.StatusOK {
		b.t.Fatalf("upload: status %d", status)
	}
	id = got["file_id"].(string)
	b.ok("files.completeUploadExternal", "files", `[{"id":"`+id+`"}]`, "channel_id", channel)
	return id
}

// TestUpload: a picture cannot be shown before Slack has looked at it, nor where
// it is not shared.
func TestUpload(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{Processing: time.Second, Burst: 10, Allow: []string{"invalid_blocks"}})
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	size := func() string { return string(encode(picture.Len())) }
	got := b.ok("files.getUploadURLExternal", "filename", "chart.png", "length", size(), "alt_txt", "a trend")
	id := got["file_id"].(string)
	if status := b.upload(got["upload_url"].(string), picture.Bytes()); status != http.StatusOK {
		t.Fatalf("upload: status %d", status)
	}
	done := b.ok("files.completeUploadExternal", "files", `[{"id":"`+id+`","title":"Trend"}]`)
	if f := done["files"].([]any)[0].(map[string]any); f["mimetype"] != "" || f["title"] != "Trend" {
		t.Errorf("completed as %v", f)
	}
	if seen := w.Seen("U0ADA00001"); len(seen) != 0 {
		t.Errorf("a private file was shown: %v", seen)
	}
	block := `[{"type":"image","alt_text":"a trend","slack_file":{"id":"` + id + `"}}]`
	body := b.refused("invalid_blocks", "chat.postMessage", "channel", "C0ADMINS01", "text", "x", "blocks", block)
	if !strings.Contains(string(encode(body)), "invalid slack file [json-pointer:/blocks/0/slack_file]") {
		t.Errorf("%v", body)
	}
	w.Advance(time.Second)
	if f := b.ok("files.info", "file", id)["file"].(map[string]any); f["mimetype"] != "image/png" {
		t.Errorf("processed as %v", f)
	}
	b.refused("invalid_blocks", "chat.postMessage", "channel", "C0ADMINS01", "text", "x", "blocks", block) // it is the bot's alone
	b.ok("views.publish", "user_id", "U0ADA00001", "view", `{"type":"home","blocks":`+block+`}`)
	id = b.file("chart.png", picture.Bytes(), "C0ADMINS01")
	block = `[{"type":"image","alt_text":"a trend","slack_file":{"id":"` + id + `"}}]`
	w.Advance(time.Second)
	b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "x", "blocks", block)
	m := w.Seen("U0ADA00001")[1]
	if len(m.Files) != 1 || !bytes.Equal(m.Files[0].Data, picture.Bytes()) || m.Files[0].Alt != "a trend" {
		t.Errorf("files = %+v", m.Files)
	}
	b.ok("files.delete", "file", id)
	b.refused("invalid_blocks", "chat.postMessage", "channel", "C0ADMINS01", "text", "x", "blocks", block)
	if n := len(w.Files()); n != 1 {
		t.Errorf("%d files are listed, want the first alone", n)
	}
}

// forms uploads in forms: a right one, and one that goes on after its end.
func (b bot) forms() {
	b.t.Helper()
	for _, c := range []struct {
		more string
		want int
	}{{"", http.StatusOK}, {"\r\n--x--\r\n", http.StatusBadRequest}} {
		got := b.ok("files.getUploadURLExternal", "filename", "a.csv", "length", "3")
		form := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\na,b\r\n--x--\r\n" + c.more
		resp, err := http.Post(got["upload_url"].(string), "multipart/form-data; boundary=x", strings.NewReader(form))
		if err != nil {
			b.t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			b.t.Errorf("a form with %q after its end: status %d", c.more, resp.StatusCode)
		}
	}
}

// TestSharedFile: with a channel, a file is a message there.
func TestSharedFile(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	begin := func() (id string) {
		got := b.ok("files.getUploadURLExternal", "filename", "who.csv", "length", "3")
		if status := b.upload(got["upload_url"].(string), []byte("a,b")); status != http.StatusOK {
			t.Fatalf("upload: status %d", status)
		}
		return got["file_id"].(string)
	}
	id := begin()
	list := `[{"id":"` + id + `"}]`
	b.refused("invalid_arguments", "files.completeUploadExternal", "files", list, "channel_id", "U0ADA00001")
	b.refused("file_not_found", "files.completeUploadExternal", "files", `[{"id":"F0NONE"}]`)
	b.ok("files.completeUploadExternal", "files", list, "channel_id", w.Direct("U0ADA00001"), "initial_comment", "here")
	b.refused("file_not_found", "files.completeUploadExternal", "files", list) // it is done
	m := w.Seen("U0ADA00001")
	if len(m) != 1 || m[0].Text != "here" || len(m[0].Files) != 1 || m[0].Files[0].Name != "who.csv" {
		t.Fatalf("seen = %+v", m)
	}
	w.Advance(time.Minute)
	f := b.ok("files.info", "file", id)["file"].(map[string]any)
	if f["mimetype"] != "text/csv" {
		t.Errorf("mimetype = %v", f["mimetype"])
	}
	for token, want := range map[string]string{w.BotToken(): "a,b", "": "not found\n"} {
		r, err := http.NewRequest(http.MethodGet, f["url_private"].(string), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(data) != want {
			t.Errorf("downloaded %q, want %q", data, want)
		}
	}
	b.forms()
	got := b.ok("files.getUploadURLExternal", "filename", "a.csv", "length", "4")
	if status := b.upload(got["upload_url"].(string), []byte("a,b")); status != http.StatusBadRequest {
		t.Errorf("three bytes for four: status %d", status)
	}
	b.refused("invalid_arguments", "files.getUploadURLExternal", "filename", "a.csv", "length", "0")
}
