package approval_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
)

// notShown are the fields that no vote is bound to: what a request is called,
// who is told, and what becomes of it. Every other field is covered by the
// digest, so that one that is added cannot be forgotten.
var notShown = map[string]bool{
	"ID": true, "Ref": true, "Key": true, "Subscribers": true, "Digest": true,
	"State": true, "Version": true, "NotBefore": true, "StartBy": true, "Outcome": true,
}

// shown is a request in which every field can be changed.
func shown() approval.Request {
	return approval.Request{
		Tenant: tenantID, Args: []byte(`{"a":1}`), Snapshot: []byte(`{}`), Targets: []approval.Target{{ID: "lamp", Name: "Lamp"}},
		Words: approval.Words{Findings: []string{"one"}, History: []string{"once"}}, Subscribers: []approval.Subscriber{{}},
		Policy: approval.Policy{Only: []string{"bea"}, Because: []string{"night"}}, Created: moment, Expires: moment.Add(time.Hour),
		Outcome: approval.Outcome{Findings: []string{"f"}, Done: []approval.StepReport{{}}},
	}
}

// G13: the digest changes with every single value that was shown.
func TestG13SumCoversEverythingShown(t *testing.T) {
	t.Parallel()
	base := sum(t, shown())
	seen := map[string]string{base: "nothing"}
	fields := reflect.TypeFor[approval.Request]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		leaves := 0
		for path, r := range mutants(i) {
			leaves++
			got := sum(t, *r)
			if notShown[name] {
				if got != base {
					t.Errorf("Sum covers %s, which may change", path)
				}
				continue
			}
			if other, ok := seen[got]; ok {
				t.Errorf("Sum is the same with %s changed as with %s changed", path, other)
			}
			seen[got] = path
		}
		if leaves == 0 {
			t.Errorf("nothing in %s was changed", name)
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d values were changed", len(seen))
	}
}

func sum(t *testing.T, r approval.Request) string {
	t.Helper()
	s, err := r.Sum()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mutants yields, for each value inside the field, a request with that changed.
func mutants(field int) map[string]*approval.Request {
	all := map[string]*approval.Request{}
	for n := 0; ; n++ {
		r := shown()
		left := n
		path := mutate(reflect.ValueOf(&r).Elem().Field(field), reflect.TypeFor[approval.Request]().Field(field).Name, &left)
		if path == "" {
			return all
		}
		all[path] = &r
	}
}

// mutate changes the n-th value inside v and returns its path, "" if there are
// not so many.
func mutate(v reflect.Value, path string, n *int) string {
	switch v.Interface().(type) {
	case time.Time:
		return leaf(path, n, func() { v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(time.Microsecond))) })
	case time.Duration:
		return leaf(path, n, func() { v.SetInt(v.Int() + 1) })
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if found := mutate(v.Field(i), path+"."+v.Type().Field(i).Name, n); found != "" {
				return found
			}
		}
		return ""
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 { // a space is another spelling
			return leaf(path, n, func() { v.SetBytes(append(v.Bytes(), ' ')) })
		}
		for i := range v.Len() {
			if found := mutate(v.Index(i), fmt.Sprintf("%s[%d]", path, i), n); found != "" {
				return found
			}
		}
		return leaf(path+"+", n, func() { v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem()))) })
	case reflect.String:
		return leaf(path, n, func() { v.SetString(v.String() + "x") })
	case reflect.Int, reflect.Int64:
		return leaf(path, n, func() { v.SetInt(v.Int() + 1) })
	case reflect.Bool:
		return leaf(path, n, func() { v.SetBool(!v.Bool()) })
	default:
		panic("a kind of field that this test cannot change: " + path)
	}
}

func leaf(path string, n *int, change func()) string {
	if *n--; *n >= 0 {
		return ""
	}
	change()
	return path
}

// Values that run into one another must not look the same.
func TestG13SumKeepsFieldsApart(t *testing.T) {
	t.Parallel()
	a, b := shown(), shown()
	a.Words.Now, a.Words.Then = "on off", ""
	b.Words.Now, b.Words.Then = "on", "off"
	if sum(t, a) == sum(t, b) {
		t.Error("words moved from one field to the next unseen")
	}
	a, b = shown(), shown()
	a.Targets = []approval.Target{{ID: "x"}, {ID: "y"}}
	b.Targets = []approval.Target{{ID: "y"}, {ID: "x"}}
	if sum(t, a) == sum(t, b) {
		t.Error("the order of the targets changed unseen")
	}
	a, b = shown(), shown()
	b.Expires = b.Expires.In(time.FixedZone("CET", 3600))
	if sum(t, a) != sum(t, b) {
		t.Error("the same moment in another zone is another digest")
	}
}

func TestSeal(t *testing.T) {
	t.Parallel()
	r := shown()
	r.Ref, r.Digest = "R-ABC234", strings.Repeat("0123456789abcdef", 4)
	if got := r.Seal(); got != "R-ABC234.0123456789abcdef" {
		t.Errorf("Seal = %q", got)
	}
	r.Digest = "" // as somebody could leave it in the database
	if got := r.Seal(); got != "R-ABC234." {
		t.Errorf("Seal without a digest = %q", got)
	}
}
