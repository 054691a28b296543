package msgraph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"twokey/graph"
)

// A listing is a list that Graph gives in pages. Requests go through the SDK's
// adapter, and so through our pipeline; the bytes of a page are decoded row by
// row into graph values. No more than a page is held.
type listing[R any] struct {
	op     operation
	first  string      // the first page's address
	plain  string      // the first page's without a page size, where the service may refuse one
	header http.Header // of every page's request: Graph wants it repeated
	// row decodes one row into a zero value. Rows that it does not keep are
	// left out.
	row func(*decoder, *R) (keep bool, _ error)
}

// all reads the list to its end: all pages, or an error.
func (l listing[R]) all(ctx context.Context, c *Client) ([]R, error) {
	all := []R{}
	err := l.pages(ctx, c, func(rows []R) error {
		all = append(all, rows...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// each calls take for every row of the list, and ends with its error.
func (l listing[R]) each(ctx context.Context, c *Client, take func(R) error) error {
	return l.pages(ctx, c, func(rows []R) error {
		for i := range rows {
			if err := take(rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// pages calls take for every page, whose rows are its to keep.
func (l listing[R]) pages(ctx context.Context, c *Client, take func([]R) error) error {
	seen := map[string]bool{}
	for link := l.first; link != ""; {
		p, err := l.page(ctx, c, link)
		if err != nil {
			return err
		}
		if err := take(p.rows); err != nil {
			return err
		}
		if seen[p.next] {
			return &graph.Error{Kind: graph.KindUnclear, Op: l.op.name, Err: errors.New("pages go round in a circle")}
		}
		seen[p.next] = true
		link = p.next
	}
	return nil
}

// from reads the page at a cursor. The cursor is the link that Graph gave,
// without the host: whoever keeps it need not be trusted with where our token
// goes, and the tenant's address may change.
func (l listing[R]) from(ctx context.Context, c *Client, at graph.Cursor) ([]R, graph.Cursor, error) {
	link := l.first
	if at != "" {
		var ok bool
		if link, ok = c.atHome(string(at)); !ok {
			return nil, "", &graph.Error{Kind: graph.KindRefused, Op: l.op.name, Err: errors.New("not a cursor of ours")}
		}
	}
	p, err := l.page(ctx, c, link)
	if err != nil {
		return nil, "", err
	}
	if p.next == link {
		return nil, "", &graph.Error{Kind: graph.KindUnclear, Op: l.op.name, Err: errors.New("pages go round in a circle")}
	}
	return p.rows, graph.Cursor(c.withoutHost(p.next)), nil
}

// withoutHost cuts the host off an address that is on the tenant's own.
func (c *Client) withoutHost(link string) string {
	return strings.TrimPrefix(link, c.base.Scheme+"://"+c.base.Host)
}

// atHome is the reverse of withoutHost.
func (c *Client) atHome(path string) (link string, ok bool) {
	return c.base.Scheme + "://" + c.base.Host + path, strings.HasPrefix(path, "/")
}

// A page is one answer of a list.
type page[R any] struct {
	rows  []R
	next  string // the next page's address, "" on the last one
	delta string // where a later reading goes on, of lists that have that
}

// page reads one page. Where the first is refused for its size, the service
// shall choose.
func (l listing[R]) page(ctx context.Context, c *Client, link string) (page[R], error) {
	p, err := l.sized(ctx, c, link)
	e, _ := errors.AsType[*graph.Error](err)
	if e != nil && e.Status == http.StatusBadRequest && link == l.first && l.plain != "" {
		return l.sized(ctx, c, l.plain)
	}
	return p, err
}

// sized reads and decodes one page.
func (l listing[R]) sized(ctx context.Context, c *Client, link string) (page[R], error) {
	return read(ctx, c, l.op, func(ctx context.Context) (p page[R], _ error) {
		err := c.get(ctx, link, l.header, func(answer []byte) error { return p.decode(c, answer, l.row) })
		return p, err
	})
}

// decode reads {"value":[…],"@odata.nextLink":…}, in any order. A page without
// a list is no empty list.
func (p *page[R]) decode(c *Client, answer []byte, row func(*decoder, *R) (bool, error)) error {
	d := newDecoder(answer)
	value := false
	err := d.object(func(name []byte) (err error) {
		switch string(name) {
		case "value":
			value, err = p.decodeRows(d, row)
			return err
		case "@odata.nextLink":
			return d.link(c, &p.next)
		case "@odata.deltaLink":
			return d.link(c, &p.delta)
		default:
			return d.Skip()
		}
	})
	if err == nil {
		err = d.end()
	}
	if err == nil {
		err = missing(told{"value", value})
	}
	return err
}

func (p *page[R]) decodeRows(d *decoder, row func(*decoder, *R) (bool, error)) (said bool, _ error) {
	if d.null() {
		return false, d.Null()
	}
	p.rows = []R{}
	n := 0
	return true, d.list(func() error {
		if d.null() {
			return errMissing(fmt.Sprintf("value[%d]", n))
		}
		var r R
		p.rows = append(p.rows, r)
		keep, err := row(d, &p.rows[len(p.rows)-1])
		switch {
		case err != nil:
			return fmt.Errorf("value[%d]: %w", n, err)
		case !keep:
			p.rows = p.rows[:len(p.rows)-1]
		}
		n++
		return nil
	})
}

// link reads an address, which must be on the tenant's own host: the request
// for it carries our token.
func (d *decoder) link(c *Client, into *string) error {
	if err := d.text(into); err != nil || *into == "" {
		return err
	}
	to, err := url.Parse(*into)
	if err != nil || to.Scheme != c.base.Scheme || to.Host != c.base.Host || to.User != nil || c.withoutHost(*into) == *into {
		return errors.New("the next page is on a foreign host")
	}
	return nil
}

// viaJSON makes a row out of a conversion, for lists that are never long.
func viaJSON[I, R any](convert func(I) (R, error)) func(*decoder, *R) (bool, error) {
	return func(d *decoder, r *R) (bool, error) {
		raw, err := d.Raw()
		if err != nil {
			return false, err
		}
		var item I
		if err := json.Unmarshal(raw, &item); err != nil {
			return false, err
		}
		*r, err = convert(item)
		return true, err
	}
}

// idRow is a row of which only the ID is wanted.
func idRow(d *decoder, id *string) (keep bool, _ error) {
	err := d.object(func(name []byte) error {
		if string(name) == "id" {
			return d.text(id)
		}
		return d.Skip()
	})
	if err != nil {
		return false, err
	}
	return true, missing(told{"id", *id != ""})
}
