package chattest

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"

	"twokey/chat"
)

// DigestNames names the weekly digests that every platform has to show.
var DigestNames = []string{
	"normal", "first-week", "quiet", "free", "free-names-concealed", "report-failing", "throttled",
	"scope-change", "goal-met", "legacy-returning", "department-done", "million",
}

// VersionNames names the versions for leaders and for managers that every platform
// has to show.
var VersionNames = []string{"leader", "manager", "manager-small"}

// The digests as the scheduler words and draws them; its tests keep them so.
//
//go:embed digests
var digests embed.FS

// Digests returns the weekly digests and the other versions of them, with their
// pictures, under the names of their goldens.
func Digests() []Fixture {
	var all []Fixture
	for _, name := range slices.Concat(DigestNames, VersionNames) {
		var m chat.Message
		text, err := digests.ReadFile("digests/" + name + ".json")
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if m.Image != nil && err == nil {
			m.Image.PNG, err = digests.ReadFile("digests/" + name + ".png")
		}
		if err != nil {
			panic(fmt.Sprintf("digest %s: %v", name, err)) // it is built in
		}
		all = append(all, Fixture{"digest-" + name, m})
	}
	return all
}
