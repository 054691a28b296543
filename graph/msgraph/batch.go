package msgraph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/microsoft/kiota-abstractions-go"
)

// batchSize is the most requests that Graph takes in one $batch.
const batchSize = 20

// The batch is written by hand: the SDK's loses numbers, statuses and headers
// of the parts, fails whole over one odd part, and panics over an empty one.
type (
	batchRequest struct {
		Requests []batchPart `json:"requests"`
	}
	batchPart struct {
		ID     string `json:"id"`
		Method string `json:"method"`
		URL    string `json:"url"`
	}
	batchAnswer struct {
		Responses []json.RawMessage `json:"responses"`
	}
	batchPartAnswer struct {
		ID      string          `json:"id"`
		Status  int             `json:"status"`
		Headers map[string]any  `json:"headers"`
		Body    json.RawMessage `json:"body"`
	}
)

// batchGet reads up to batchSize addresses, relative to the root of a version of
// Graph, in one call. Graph counts each of them against the operation's budget,
// and so do we. The answers stand at the addresses' places; a status of 0 means
// that there is none that could be told from another. The error is for the call
// as a whole.
func (c *Client) batchGet(ctx context.Context, op operation, root string, addresses []string) ([]answer, error) {
	var request batchRequest
	for i, a := range addresses {
		request.Requests = append(request.Requests, batchPart{ID: strconv.Itoa(i), Method: http.MethodGet, URL: a})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	op.cost *= len(addresses)
	return read(ctx, c, op, func(ctx context.Context) ([]answer, error) {
		sent := time.Now()
		got, err := sendRaw[batchAnswer](ctx, c, abstractions.POST, root+"/$batch", body)
		if err != nil {
			return nil, err
		}
		answers := got.inOrder(len(addresses))
		c.noteThrottled(op, sent, answers)
		return answers, nil
	})
}

// noteThrottled closes the budget for as long as the slowest of the refused
// parts asks: the next requests would fare no better.
func (c *Client) noteThrottled(op operation, sent time.Time, answers []answer) {
	refused, wait := false, time.Duration(0)
	for _, a := range answers {
		if a.status == http.StatusTooManyRequests {
			refused = true
			wait = max(wait, c.untilThen(retryAfter(a.header, c.now())))
		}
	}
	if refused {
		c.budgets[op.budget].Throttled(sent, wait)
	}
}

// inOrder puts the parts' answers, which come in any order, at their places.
// One that cannot be read is left out, and so is a place with two answers.
func (b *batchAnswer) inOrder(n int) []answer {
	all := make([]answer, n)
	times := make([]int, n)
	for _, raw := range b.Responses {
		var part batchPartAnswer
		if json.Unmarshal(raw, &part) != nil {
			continue
		}
		i, err := strconv.Atoi(part.ID)
		if err != nil || i < 0 || i >= n {
			continue
		}
		header := http.Header{}
		for name, value := range part.Headers {
			header.Set(name, fmt.Sprint(value))
		}
		all[i] = answer{part.Status, header, part.Body}
		if times[i]++; times[i] > 1 {
			all[i] = answer{}
		}
	}
	return all
}
