package msgraph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/microsoft/kiota-abstractions-go"
)

// getOne reads an address whose answer is one object.
func getOne[R any](ctx context.Context, c *Client, op operation, address string, row func(*decoder, *R) (bool, error)) (R, error) {
	return read(ctx, c, op, func(ctx context.Context) (r R, _ error) {
		err := c.get(ctx, address, nil, func(answer []byte) error {
			d := newDecoder(answer)
			if _, err := row(d, &r); err != nil {
				return err
			}
			return d.end()
		})
		return r, err
	})
}

// get sends a request made by hand through the SDK's adapter and lends the
// answer to take, which must not keep it.
func (c *Client) get(ctx context.Context, address string, header http.Header, take func(answer []byte) error) error {
	return c.send(ctx, abstractions.GET, address, header, nil, take)
}

func (c *Client) send(ctx context.Context, method abstractions.HttpMethod, address string, header http.Header, body []byte, take func(answer []byte) error) error {
	info, err := requestTo(method, address)
	if err != nil {
		return err
	}
	for name := range header {
		info.Headers.Remove(name)
		info.Headers.TryAdd(name, header.Get(name))
	}
	if body != nil {
		info.SetStreamContentAndContentType(body, "application/json")
	}
	native := abstractions.NewRequestHandlerOption()
	native.SetResponseHandler(func(response any, _ abstractions.ErrorMappings) (any, error) {
		res, ok := response.(*http.Response)
		if !ok {
			return nil, errors.New("no answer of HTTP")
		}
		defer res.Body.Close()
		lent, ok := res.Body.(*lentBody)
		if !ok {
			return nil, errors.New("answer came past the pipeline")
		}
		return nil, take(lent.answer())
	})
	info.AddRequestOptions([]abstractions.RequestOption{native})
	return c.adapter.SendNoContent(ctx, info, nil)
}

// sendRaw is send with an answer that is decoded into a T.
func sendRaw[T any](ctx context.Context, c *Client, method abstractions.HttpMethod, address string, body []byte) (*T, error) {
	v := new(T)
	err := c.send(ctx, method, address, nil, body, func(answer []byte) error {
		if err := json.Unmarshal(answer, v); err != nil {
			return fmt.Errorf("decode answer: %w", err)
		}
		return nil
	})
	return v, err
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
