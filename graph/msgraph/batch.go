package msgraph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

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
		Responses []batchPartAnswer `json:"responses"`
	}
	batchPartAnswer struct {
		ID      string          `json:"id"`
		Status  int             `json:"status"`
		Headers map[string]any  `json:"headers"`
		Body    json.RawMessage `json:"body"`
	}
)

// batchGet reads up to batchSize addresses, relative to the root of a version
// of Graph, in one call. The answers stand at the addresses' places; a status of 0 means that Graph
// left one out. The error is for the call as a whole.
func (c *Client) batchGet(ctx context.Context, op operation, root string, addresses []string) ([]answer, error) {
	var request batchRequest
	for i, a := range addresses {
		request.Requests = append(request.Requests, batchPart{ID: strconv.Itoa(i), Method: http.MethodGet, URL: a})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	return read(ctx, c, op, func(ctx context.Context) ([]answer, error) {
		got, err := sendRaw[batchAnswer](ctx, c, abstractions.POST, root+"/$batch", body)
		if err != nil {
			return nil, err
		}
		return got.inOrder(len(addresses)), nil
	})
}

// inOrder puts the parts' answers, which come in any order, at their places.
func (b *batchAnswer) inOrder(n int) []answer {
	all := make([]answer, n)
	for _, part := range b.Responses {
		i, err := strconv.Atoi(part.ID)
		if err != nil || i < 0 || i >= n {
			continue
		}
		header := http.Header{}
		for name, value := range part.Headers {
			header.Set(name, fmt.Sprint(value))
		}
		all[i] = answer{part.Status, header, part.Body}
	}
	return all
}
