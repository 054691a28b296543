package msgraph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/microsoft/kiota-abstractions-go"

	"twokey/graph"
)

// A page is one answer of a list: the SDK's collections, and [rawPage].
type page[I any] interface {
	GetValue() []I
	GetOdataNextLink() *string
}

// list reads a list to its end and converts its items. fetch asks for the
// first page when link is "", and for the page at link after that. The SDK's
// own iterator would forget the type of an error on a later page and follow a
// link anywhere.
func list[P page[I], I, R any](ctx context.Context, c *Client, op operation, fetch func(ctx context.Context, link string) (P, error), convert func(I) (R, error)) ([]R, error) {
	all := []R{}
	seen := map[string]bool{}
	for link := ""; ; {
		items, next, err := readPage(ctx, c, op, link, fetch, convert)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == "" {
			return all, nil
		}
		if seen[next] {
			return nil, &graph.Error{Kind: graph.KindUnclear, Op: op.name, Err: errors.New("pages go round in a circle")}
		}
		seen[next] = true
		link = next
	}
}

// readPage returns the items of one page and the link to the next, if any.
func readPage[P page[I], I, R any](ctx context.Context, c *Client, op operation, link string, fetch func(context.Context, string) (P, error), convert func(I) (R, error)) (items []R, next string, err error) {
	items, err = read(ctx, c, op, func(ctx context.Context) ([]R, error) {
		p, err := fetch(ctx, link)
		if err != nil {
			return nil, err
		}
		next, err = c.nextLink(p)
		if err != nil {
			return nil, err
		}
		return convertAll(p.GetValue(), convert)
	})
	return items, next, err
}

// nextLink returns where the next page is, which must be on the tenant's own
// host: the request for it carries our token.
func (c *Client) nextLink(p interface{ GetOdataNextLink() *string }) (string, error) {
	if isNil(p) {
		return "", errMissing("page")
	}
	link := p.GetOdataNextLink()
	if link == nil || *link == "" {
		return "", nil
	}
	next, err := url.Parse(*link)
	if err != nil || next.Scheme != c.base.Scheme || next.Host != c.base.Host || next.User != nil {
		return "", errors.New("the next page is on a foreign host")
	}
	return *link, nil
}

// convertAll converts a page's items. A page without a list is no empty list.
func convertAll[I, R any](items []I, convert func(I) (R, error)) ([]R, error) {
	if items == nil {
		return nil, errMissing("value")
	}
	all := make([]R, 0, len(items))
	for i, item := range items {
		if isNil(item) {
			return nil, errMissing(fmt.Sprintf("value[%d]", i))
		}
		r, err := convert(item)
		if err != nil {
			return nil, fmt.Errorf("value[%d]: %w", i, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// rawPage is a page of what the SDK's models cannot hold.
type rawPage[I any] struct {
	Value []I     `json:"value"`
	Next  *string `json:"@odata.nextLink"`
}

func (p *rawPage[I]) GetValue() []I             { return p.Value }
func (p *rawPage[I]) GetOdataNextLink() *string { return p.Next }

// getRaw reads an address by hand, through the SDK's adapter and so through
// our pipeline, and decodes the answer into T.
func getRaw[T any](ctx context.Context, c *Client, address string) (*T, error) {
	return sendRaw[T](ctx, c, abstractions.GET, address, nil)
}

func sendRaw[T any](ctx context.Context, c *Client, method abstractions.HttpMethod, address string, body []byte) (*T, error) {
	info, err := requestTo(method, address)
	if err != nil {
		return nil, err
	}
	if body != nil {
		info.SetStreamContentAndContentType(body, "application/json")
	}
	answer, err := c.adapter.SendPrimitive(ctx, info, "[]byte", nil)
	if err != nil {
		return nil, err
	}
	raw, _ := answer.([]byte)
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	return v, nil
}

// requestTo describes a request to an address of our own making or a nextLink.
func requestTo(method abstractions.HttpMethod, address string) (*abstractions.RequestInformation, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("parse address")
	}
	info := abstractions.NewRequestInformation()
	info.Method = method
	info.SetUri(*u)
	info.Headers.TryAdd("Accept", "application/json")
	return info, nil
}
