package discordtest

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed testdata/discord.openapi.json
var openAPI []byte

// object is JSON as it is decoded.
type object = map[string]any

// bodies holds the schema of each body that may be sent, by route. Schemas of
// OpenAPI 3.1 are JSON Schema.
var bodies = sync.OnceValue(func() func(route string) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI))
	if err != nil {
		panic(err) // it is part of the program
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("discord.json", doc); err != nil {
		panic(err)
	}
	var mu sync.Mutex
	all := map[string]*jsonschema.Schema{}
	return func(route string) *jsonschema.Schema {
		mu.Lock()
		defer mu.Unlock()
		if s, ok := all[route]; ok {
			return s
		}
		method, path, _ := cutRoute(route)
		pointer := strings.NewReplacer("~", "~0", "/", "~1").Replace(path)
		at := fmt.Sprintf("discord.json#/paths/%s/%s/requestBody/content/application~1json/schema", escapeFragment(pointer), strings.ToLower(method))
		s, err := compiler.Compile(at)
		if err != nil {
			s = nil // the route takes no body
		}
		all[route] = s
		return s
	}
})

// escapeFragment writes a JSON pointer so that it can stand in an address.
func escapeFragment(s string) string {
	return strings.NewReplacer("{", "%7B", "}", "%7D", "@", "%40").Replace(s)
}

// cutRoute parts a route into its method and its path.
func cutRoute(route string) (method, path string, ok bool) { return strings.Cut(route, " ") }

// wrongIn returns what Discord's own description says is wrong with a body.
func wrongIn(route string, body any) error {
	s := bodies()(route)
	if s == nil {
		if body == nil {
			return nil
		}
		return errors.New("this route takes no body")
	}
	if body == nil {
		return errors.New("there is no body")
	}
	return s.Validate(body)
}
