package slack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// upload is a file on its way to Slack.
type upload struct {
	name, alt string
	data      []byte
}

func attached(f *chat.File) upload { return upload{f.Shown(), f.Alt, f.Data} }

func drawn(i *chat.Image) upload { return upload{i.Name, i.Alt, i.PNG} }

// maxAltText is Slack's limit for the words of a file.
const maxAltText = 1000

var errEmptyFile = errors.New("the file is empty")

// share uploads a file into a conversation and returns its ID.
func (s *Slack) share(ctx context.Context, channel, thread string, u upload) (id string, err error) {
	const doing = "upload file"
	if len(u.data) == 0 {
		return "", wrap(doing, errEmptyFile)
	}
	// The call that counts is the last of three; if an earlier one fails, all
	// are made again, and what was uploaded without it belongs to nobody.
	c := call{method: "files.completeUploadExternal", doing: doing, patience: patience}
	err = s.do(ctx, c, func() error {
		to, err := s.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{
			FileName: u.name, FileSize: len(u.data), AltTxt: chat.Cut(u.alt, maxAltText),
		})
		if err != nil {
			return err
		}
		if err := s.put(ctx, to.UploadURL, u.data); err != nil {
			return err
		}
		id = to.FileID
		_, err = s.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files: []slack.FileSummary{{ID: to.FileID, Title: u.name}}, Channel: channel, ThreadTimestamp: thread,
		})
		return err
	})
	return id, err
}

// put sends a file's bytes where Slack wants them, as they are. The library
// would send them in a form, whose end it writes twice (v0.35.0): a server that
// takes the last end for the end finds 68 bytes more in the file. The address
// is the permission, so that no token goes along.
func (s *Slack) put(ctx context.Context, address string, data []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
	}
	return nil
}

// Slack looks at a file for a while after it has come, and refuses a message
// that shows it before.
const (
	lookEvery = 500 * time.Millisecond
	lookLimit = 40 * time.Second
)

// picture is what a message shows, as far as it was uploaded.
type picture struct {
	mu     sync.Mutex // held while the message is edited
	edited bool       // since it was posted
	file   string
	sum    [sha256.Size]byte // of what is in the file
}

// in returns the file that shows the picture of m; empty if there is none.
func (p *picture) in(m chat.Message) string {
	if m.Image == nil || p.file == "" || sha256.Sum256(m.Image.PNG) != p.sum {
		return ""
	}
	return p.file
}

// pictureOf returns the picture of a message.
func (s *Slack) pictureOf(id string) *picture {
	return s.pictures.GetOr(id, func() *picture { return &picture{} })
}

// illustrate puts the picture of m into a message that was posted with its
// words. If it cannot be had, they stay.
func (s *Slack) illustrate(ctx context.Context, channel, ts string, m chat.Message) {
	if m.Image == nil {
		return
	}
	if err := s.insert(ctx, channel, ts, m); err != nil {
		s.cfg.Log.Warn("slack picture is not there", "message", channel+"/"+ts, "error", err)
	}
}

// insert uploads a picture into the message's thread, because Slack shows a
// file only where it is shared, and then edits the message, unless somebody has
// done that since.
func (s *Slack) insert(ctx context.Context, channel, ts string, m chat.Message) error {
	file, err := s.share(ctx, channel, ts, drawn(m.Image))
	if err != nil {
		return err
	}
	if err := s.processed(ctx, file); err != nil {
		return err
	}
	p := s.pictureOf(channel + "/" + ts)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.file, p.sum = file, sha256.Sum256(m.Image.PNG)
	if p.edited {
		return nil
	}
	return s.update(ctx, channel, ts, m, file, leisure)
}

// processed waits until Slack knows what a file is.
func (s *Slack) processed(ctx context.Context, file string) error {
	const doing = "wait for the picture"
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	for {
		var info *slack.File
		err := s.do(ctx, call{method: "files.info", doing: doing, patience: patience, repeat: true}, func() (err error) {
			info, _, _, err = s.api.GetFileInfoContext(ctx, file, 0, 0)
			return err
		})
		if err != nil {
			return err
		}
		if info.Mimetype != "" {
			return nil
		}
		if err := sleep(ctx, lookEvery); err != nil {
			return wrap(doing, err)
		}
	}
}
