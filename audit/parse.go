package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

var errTrailing = errors.New("more than one value on the line")

// parse reads one line strictly and insists that it is spelled as Export
// spells it: an export with a changed byte must not pass because the change
// means the same.
func parse(line []byte) (Record, error) {
	var r Record
	in := json.NewDecoder(bytes.NewReader(line))
	in.DisallowUnknownFields()
	if err := in.Decode(&r); err != nil {
		return Record{}, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return Record{}, errTrailing
	}
	var again bytes.Buffer
	out := json.NewEncoder(&again)
	out.SetEscapeHTML(false)
	if err := out.Encode(r); err != nil {
		return Record{}, err
	}
	if !bytes.Equal(bytes.TrimSuffix(again.Bytes(), []byte("\n")), line) {
		return Record{}, errors.New("not spelled as it was exported")
	}
	return r, nil
}
