package slacktest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// officialDoc is the official description of the Web API.
func officialDoc(t *testing.T) object {
	t.Helper()
	f, err := os.Open("testdata/slack-web.openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return doc.(object)
}

// answerSchemas are the schemas of the answers with status 200, by method.
func answerSchemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	doc := officialDoc(t)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	if err := c.AddResource("web.json", doc); err != nil {
		t.Fatal(err)
	}
	all := map[string]*jsonschema.Schema{}
	for path, item := range doc["paths"].(object) {
		for verb := range item.(object) {
			s, err := c.Compile("web.json#/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + verb + "/responses/200/schema")
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			all[path[1:]] = s
		}
	}
	return all
}

// TestRequiredArguments holds the two descriptions of the Web API against each
// other: what the official one calls required is what the workspace asks for.
func TestRequiredArguments(t *testing.T) {
	t.Parallel()
	// Where they differ, what is true today.
	since := map[string]string{
		"conversations.info channel": "required", "conversations.members channel": "required", "users.info user": "required",
		"conversations.history channel": "required", "conversations.replies channel": "required", "conversations.replies ts": "required",
		"views.open trigger_id": "an interactivity_pointer serves as well", "views.push trigger_id": "an interactivity_pointer serves as well",
		"files.delete file": "required", "files.info file": "required", "chat.delete channel": "required", "chat.delete ts": "required",
		"conversations.join channel": "required", "views.update view": "required",
	}
	doc := officialDoc(t)
	for path, item := range doc["paths"].(object) {
		name := path[1:]
		if _, played := methods[name]; !played {
			continue
		}
		var official []string
		for _, op := range item.(object) {
			parameters, _ := op.(object)["parameters"].([]any)
			for _, p := range parameters {
				if o := p.(object); o["required"] == true && o["name"] != "token" {
					official = append(official, o["name"].(string))
				}
			}
		}
		for arg, a := range contracts()[name].Args {
			if a.Required != slices.Contains(official, arg) && since[name+" "+arg] == "" {
				t.Errorf("%s %s: required %v, officially %v", name, arg, a.Required, !a.Required)
			}
		}
	}
}
