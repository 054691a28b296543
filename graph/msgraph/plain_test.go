package msgraph_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// plain reads a tenant with nothing but net/http and encoding/json.
type plain struct {
	t    *testing.T
	root string
}

type object map[string]any

func (o object) text(name string) string { s, _ := o[name].(string); return s }

func (o object) flag(name string) bool { b, _ := o[name].(bool); return b }

func (o object) day(name string) time.Time {
	at, _ := time.Parse(time.DateOnly, o.text(name))
	return at
}

func (o object) minutes(name string) time.Duration {
	n, _ := o[name].(float64)
	return time.Duration(n) * time.Minute
}

// texts are the items of a member that is a list of texts, nil if it is not there.
func (o object) texts(name string) []string {
	var all []string
	items, _ := o[name].([]any)
	for _, item := range items {
		all = append(all, item.(string))
	}
	return all
}

// objects are the items of a member that is a list of objects.
func (o object) objects(name string) []object {
	items, _ := o[name].([]any)
	all := make([]object, len(items))
	for i, item := range items {
		all[i] = item.(map[string]any)
	}
	return all
}

func (o object) time(name string) time.Time {
	at, _ := time.Parse(time.RFC3339, o.text(name))
	return at
}

func (p plain) get(address string) object {
	p.t.Helper()
	o, ok := p.find(address)
	if !ok {
		p.t.Fatalf("%s: not found", address)
	}
	return o
}

// find is get for what need not be there.
func (p plain) find(address string) (_ object, ok bool) {
	p.t.Helper()
	res := p.ask(address)
	defer res.Body.Close()
	var o object
	if err := json.NewDecoder(res.Body).Decode(&o); err != nil || res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNotFound {
		p.t.Fatalf("%s: %d %v %v", address, res.StatusCode, o, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, false
	}
	return o, true
}

// ask sends a request with a token, which net/http leaves out on other hosts.
func (p plain) ask(address string) *http.Response {
	p.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = p.root + address
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, strings.ReplaceAll(address, " ", "%20"), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer plain")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	return res
}

func (p plain) list(address string) []object {
	p.t.Helper()
	var all []object
	for address != "" {
		page := p.get(address)
		for _, item := range page["value"].([]any) {
			all = append(all, item.(map[string]any))
		}
		address = page.text("@odata.nextLink")
	}
	return all
}

// file reads a report's table, a line as an object.
func (p plain) file(address string) []object {
	p.t.Helper()
	res := p.ask(address)
	defer res.Body.Close()
	table, err := csv.NewReader(res.Body).ReadAll()
	if err != nil || res.StatusCode != http.StatusOK || len(table) < 2 {
		p.t.Fatalf("%s: %d, %d lines, %v", address, res.StatusCode, len(table), err)
	}
	table[0][0] = strings.TrimPrefix(table[0][0], "\ufeff")
	var all []object
	for _, cells := range table[1:] {
		o := object{}
		for i, column := range table[0] {
			o[column] = cells[i]
		}
		all = append(all, o)
	}
	return all
}
