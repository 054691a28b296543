package slacktest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed testdata/slack-blocks.schema.json
var blocksJSON []byte

// Limits that Slack's types do not carry.
const (
	maxBlocks       = 50     // of a message
	maxViewBlocks   = 100    // of a modal or a home
	maxBlocksSize   = 13_000 // characters of all blocks of a message; seen, not documented (slackapi/bolt-js issue 2509)
	maxTable        = 10_000 // characters in all cells of a table
	maxMarkdown     = 12_000 // characters in all markdown blocks of a message
	maxText         = 40_000 // characters of a message, which is cut there
	maxUpdate       = 4_000  // characters that chat.update takes
	maxViewBytes    = 250_000
	maxInteractions = 3 // views on top of each other
)

// definitions is the schema of each block and view by its definition's name.
var definitions = sync.OnceValue(func() map[string]*jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(blocksJSON))
	if err != nil {
		panic(err) // it is part of the program
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("blocks.json", doc); err != nil {
		panic(err)
	}
	all := map[string]*jsonschema.Schema{}
	for name := range doc.(map[string]any)["definitions"].(map[string]any) {
		all[name] = c.MustCompile("blocks.json#/definitions/" + name)
	}
	return all
})

// kinds is the definition by the type of a block.
var kinds = map[string]string{
	"actions": "ActionsBlock", "alert": "AlertBlock", "card": "CardBlock", "carousel": "CarouselBlock",
	"container": "ContainerBlock", "context": "ContextBlock", "context_actions": "ContextActionsBlock",
	"data_table": "DataTableBlock", "divider": "DividerBlock", "file": "FileBlock", "header": "HeaderBlock",
	"image": "ImageBlock", "input": "InputBlock", "markdown": "MarkdownBlock", "rich_text": "RichTextBlock",
	"section": "SectionBlock", "table": "TableBlock", "task_card": "TaskCardBlock", "plan": "PlanBlock", "video": "VideoBlock",
}

// object is a block, an element or a text of it.
type object = map[string]any

// surface is where blocks are shown.
type surface string

const (
	onMessage surface = "message"
	onModal   surface = "modal"
	onHome    surface = "home"
)

// parseBlocks reads the blocks argument of a call.
func parseBlocks(text string) ([]any, bool) {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	list, ok := v.([]any)
	return list, err == nil && ok
}

// check returns what is wrong with blocks, each with a JSON pointer to it, and
// completes them with the IDs that Slack gives. Where is nil in a view. It
// needs w.mu.
func (w *Workspace) check(on surface, where *Channel, blocks []any) (wrong []string) {
	most := maxViewBlocks
	if on == onMessage {
		most = maxBlocks
	}
	if len(blocks) > most {
		wrong = append(wrong, fmt.Sprintf("no more than %d items allowed [json-pointer:/blocks]", most))
	}
	for i, b := range blocks {
		at := fmt.Sprintf("/blocks/%d", i)
		block, ok := b.(object)
		if !ok {
			wrong = append(wrong, "must provide an object [json-pointer:"+at+"]")
			continue
		}
		wrong = append(wrong, w.checkBlock(on, where, block, at)...)
	}
	if len(wrong) == 0 {
		wrong = append(wrong, w.identify(blocks)...)
	}
	return append(wrong, sums(blocks)...)
}

// checkBlock needs w.mu.
func (w *Workspace) checkBlock(on surface, where *Channel, block object, at string) []string {
	kind, _ := block["type"].(string)
	name, known := kinds[kind]
	if !known {
		return []string{fmt.Sprintf("unsupported type: %s [json-pointer:%s/type]", kind, at)}
	}
	if err := definitions()[name].Validate(block); err != nil {
		return pointers(err, at)
	}
	switch {
	case kind == "alert" && on != onModal:
		return []string{"unsupported type: alert [json-pointer:" + at + "/type]"}
	case kind == "section" && block["text"] == nil && block["fields"] == nil:
		return []string{"missing required field: text or fields [json-pointer:" + at + "]"}
	}
	return w.checkFiles(where, block, at)
}

// checkFiles looks for pictures that Slack does not have yet, or that nobody
// there may see. It needs w.mu.
func (w *Workspace) checkFiles(where *Channel, block object, at string) (wrong []string) {
	walk(block, at, func(o object, at string) {
		ref, ok := o["slack_file"].(object)
		if !ok {
			return
		}
		f := w.fileOf(ref)
		ready := f != nil && !f.deleted && strings.HasPrefix(w.mimetype(f), "image/")
		if !ready || where != nil && !slices.Contains(f.channels, where.ID) {
			wrong = append(wrong, "invalid slack file [json-pointer:"+at+"/slack_file]")
		}
	})
	return wrong
}

// pointers turns a schema's error into Slack's words: the complaints that reach
// deepest, because what is said of the branches not meant reaches less far.
func pointers(err error, at string) []string {
	bad, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return []string{err.Error() + " [json-pointer:" + at + "]"}
	}
	var leaves []*jsonschema.ValidationError
	var collect func(e *jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		for _, c := range e.Causes {
			collect(c)
		}
		if len(e.Causes) == 0 {
			leaves = append(leaves, e)
		}
	}
	collect(bad)
	deepest := 0
	for _, e := range leaves {
		deepest = max(deepest, len(e.InstanceLocation))
	}
	var said []string
	for _, e := range leaves {
		if len(e.InstanceLocation) < deepest {
			continue
		}
		_, words, _ := strings.Cut(e.Error(), "\n")
		_, words, _ = strings.Cut(words, "': ")
		where := at
		for _, step := range e.InstanceLocation {
			where += "/" + step
		}
		line := words + " [json-pointer:" + where + "]"
		if !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return said
}

// walk calls visit for every object in v, outermost first, with its pointer.
func walk(v any, at string, visit func(o object, at string)) {
	switch v := v.(type) {
	case object:
		visit(v, at)
		for _, name := range sortedKeys(v) {
			walk(v[name], at+"/"+name, visit)
		}
	case []any:
		for i, e := range v {
			walk(e, fmt.Sprintf("%s/%d", at, i), visit)
		}
	}
}

func sortedKeys(o object) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// interactive are the elements that have an action ID.
var interactive = []string{
	"button", "static_select", "external_select", "users_select", "conversations_select", "channels_select",
	"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select",
	"overflow", "datepicker", "timepicker", "datetimepicker", "radio_buttons", "checkboxes",
	"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input", "icon_button", "feedback_buttons",
}

// identify refuses IDs that occur twice and gives one to what has none. It
// needs w.mu.
func (w *Workspace) identify(blocks []any) (wrong []string) {
	blockIDs, actionIDs := map[string]bool{}, map[string]bool{}
	use := func(taken map[string]bool, o object, name, at string) {
		id, _ := o[name].(string)
		if id == "" {
			id = fmt.Sprintf("~%d", w.next())
			o[name] = id
		}
		if taken[id] {
			wrong = append(wrong, fmt.Sprintf("%s already exists: %s [json-pointer:%s/%s]", name, id, at, name))
		}
		taken[id] = true
	}
	for i, b := range blocks {
		at := fmt.Sprintf("/blocks/%d", i)
		use(blockIDs, b.(object), "block_id", at)
		walk(b, at, func(o object, at string) {
			if kind, _ := o["type"].(string); slices.Contains(interactive, kind) {
				use(actionIDs, o, "action_id", at)
			}
		})
	}
	return wrong
}

// sums returns what is too long or too often in all blocks together.
func sums(blocks []any) (wrong []string) {
	tables, markdown := 0, 0
	for i, b := range blocks {
		block, ok := b.(object)
		if !ok {
			continue
		}
		switch block["type"] {
		case "table":
			tables++
			if n := textLength(block); n > maxTable {
				wrong = append(wrong, fmt.Sprintf("table cells hold %d characters, more than %d [json-pointer:/blocks/%d/rows]", n, maxTable, i))
			}
		case "markdown":
			markdown += textLength(block)
		}
	}
	if tables > 1 {
		wrong = append(wrong, "only_one_table_allowed [json-pointer:/blocks]")
	}
	if markdown > maxMarkdown {
		wrong = append(wrong, fmt.Sprintf("markdown blocks hold %d characters, more than %d [json-pointer:/blocks]", markdown, maxMarkdown))
	}
	return wrong
}

// textLength returns the characters of all texts in v.
func textLength(v any) (n int) {
	walk(v, "", func(o object, _ string) {
		if s, ok := o["text"].(string); ok {
			n += utf8.RuneCountInString(s)
		}
	})
	return n
}

// size returns what counts against the limit of all blocks of a message: the
// characters of their JSON, but of tables those in the cells.
func size(blocks []any) (n int) {
	for _, b := range blocks {
		if o, ok := b.(object); ok && o["type"] == "table" {
			n += textLength(o)
			continue
		}
		n += utf8.RuneCount(encode(b))
	}
	return n
}

// encode is JSON without escapes for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // it was parsed before, or is made of strings
	}
	return bytes.TrimSpace(b.Bytes())
}
