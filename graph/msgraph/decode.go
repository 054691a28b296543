package msgraph

import (
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// A decoder reads Graph's JSON value by value, without models between: a sweep
// over a large tenant spends its time here. A value of another type than Graph
// describes is an error; null and nothing are told from a value by who needs
// it.
type decoder struct {
	jx.Decoder
	words map[string]string // texts that come again and again, one copy each
}

// newDecoder reads data, which must not change meanwhile. Nothing that was
// decoded refers to it.
func newDecoder(data []byte) *decoder {
	d := &decoder{words: map[string]string{}}
	d.ResetBytes(data)
	return d
}

// object reads an object and calls member at each member's value, which
// member reads or skips.
func (d *decoder) object(member func(name []byte) error) error {
	return d.ObjBytes(func(_ *jx.Decoder, name []byte) error { return member(name) })
}

// objectOrNull is object for what may be null, and reports whether it was not.
func (d *decoder) objectOrNull(member func(name []byte) error) (said bool, err error) {
	if d.null() {
		return false, d.Null()
	}
	return true, d.object(member)
}

// list reads a list and calls item at each of its values.
func (d *decoder) list(item func() error) error {
	return d.Arr(func(*jx.Decoder) error { return item() })
}

// null reports whether the next value is null. It must still be read.
func (d *decoder) null() bool { return d.Next() == jx.Null }

// end is an error if anything follows.
func (d *decoder) end() error {
	if err := d.Skip(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the answer")
	}
	return nil
}

// text reads a string; null leaves it empty.
func (d *decoder) text(into *string) error {
	b, err := d.bytes()
	*into = string(b)
	return err
}

// word is text for what many rows have in common.
func (d *decoder) word(into *string) error {
	b, err := d.bytes()
	known, ok := d.words[string(b)]
	if !ok {
		known = string(b)
		d.words[known] = known
	}
	*into = known
	return err
}

// bytes reads a string's bytes, which last until the next call; none for null.
func (d *decoder) bytes() ([]byte, error) {
	if d.null() {
		return nil, d.Null()
	}
	b, err := d.StrBytes()
	if err == nil && !utf8.Valid(b) {
		b = []byte(string([]rune(string(b)))) // as encoding/json mends it
	}
	return b, err
}

// flag reads a bool and reports whether there was one, and not null.
func (d *decoder) flag(into *bool) (said bool, err error) {
	if d.null() {
		return false, d.Null()
	}
	*into, err = d.Bool()
	return err == nil, err
}

// number reads a whole number and reports whether there was one, and not null.
func (d *decoder) number(into *int) (said bool, err error) {
	if d.null() {
		return false, d.Null()
	}
	*into, err = d.Int()
	return err == nil, err
}

// moment reads a date with its time; null leaves it zero.
func (d *decoder) moment(into *time.Time) error {
	*into = time.Time{}
	b, err := d.bytes()
	if err != nil || b == nil {
		return err
	}
	if into.UnmarshalText(b) != nil {
		return errors.New("not a moment")
	}
	*into = into.UTC()
	return nil
}
