package guide

import (
	"strings"
	"testing"
	"testing/fstest"

	"twokey/chat/phrases"
)

const ownCanteen = `---
id: badge-sign-in
title: Sign in at the shared computers with your badge
audience: everybody in the works
reviewed: 2026-11-23
next-review: 2027-05-24
sources:
  - https://intranet.vale.example/badge
links:
  - label: The intranet page on badges
    url: https://intranet.vale.example/badge
asks:
  - badge at the terminal
  - how do I log in with my badge
  - the badge reader does not see me
  - sign in at the shared computer with the badge
  - badge login in the works
---
Hold your badge to the reader, then type the PIN of the badge.

1. Wake the screen.
2. Hold the badge to the reader until it beeps.
3. Type your PIN.

## If that does not work
Wipe the badge and try again.

## A person can help when
the reader stays dark.
`

func loadOwn(files map[string]string, hosts ...string) (*Guide, error) {
	own := fstest.MapFS{}
	for name, text := range files {
		own[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return LoadWith(own, hosts)
}

// TestU07OwnArticles holds that an organisation's own articles are added, found by
// how people ask, and take the place of ours in every language.
func TestU07OwnArticles(t *testing.T) {
	t.Parallel()
	override := strings.NewReplacer("badge-sign-in", "new-phone", "Sign in at the shared computers with your badge", "Ben in room 12 moves your phone").Replace(ownCanteen)
	german := "---\nid: badge-sign-in\ntitle: Mit dem Ausweis anmelden\nof: 2026-11-23\n---\nHalten Sie den Ausweis an den Leser.\n\n1. Bildschirm wecken.\n2. Ausweis anhalten.\n3. PIN tippen.\n\n## If that does not work\nAusweis abwischen.\n\n## A person can help when\nder Leser dunkel bleibt.\n"
	g, err := loadOwn(map[string]string{
		"badge-sign-in.md": ownCanteen, "new-phone.md": override, "de/badge-sign-in.md": german,
		"de/labels.yaml": `"The intranet page on badges": "Die Intranetseite zu Ausweisen"`,
	}, "intranet.vale.example")
	if err != nil {
		t.Fatal(err)
	}
	if a := g.Ask("how can I log in with my badge at the shared computer"); a.Expect != ExpectAnswer || a.Topics[0] != "badge-sign-in" {
		t.Errorf("Ask = %+v", a)
	}
	if a := g.Ask("I have a new phone, how do I move the app"); a.Expect != ExpectAnswer || a.Topics[0] != "new-phone" {
		t.Errorf("Ask = %+v", a)
	}
	for _, tt := range []struct {
		id       string
		language phrases.Language
		want     string
		in       phrases.Language
	}{
		{"badge-sign-in", phrases.German, "Mit dem Ausweis anmelden", phrases.German},
		{"badge-sign-in", phrases.French, "Sign in at the shared computers with your badge", phrases.English},
		{"new-phone", phrases.German, "Ben in room 12 moves your phone", phrases.English}, // ours said something else
		{"add-work-account", phrases.German, "", phrases.German},
	} {
		a, ok := g.Article(tt.id, View{Language: tt.language, Now: today})
		if !ok || a.Language != tt.in || tt.want != "" && a.Title != tt.want {
			t.Errorf("%s in %s: %q in %s, %t", tt.id, tt.language, a.Title, a.Language, ok)
		}
	}
	if n := len(g.Topics()); n != len(mustLoad(t).Topics())+1 {
		t.Errorf("%d articles", n)
	}
}

// TestU07BadOwnArticles holds that a bad article is refused with its file, and the
// line or the key that is wrong.
func TestU07BadOwnArticles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, from, to, want string }{
		{"a link elsewhere", "    url: https://intranet.vale.example/badge", "    url: https://evil.example/badge", "line 11: \"https://evil.example/badge\" is not https"},
		{"a link without encryption", "    url: https://intranet", "    url: http://intranet", "line 11:"},
		{"a link with a name before the host", "    url: https://intranet", "    url: https://aka.ms@intranet", "line 11:"},
		{"a link that is none", "    url: https://intranet.vale.example/badge", "    url: badge", "key links[0].url"},
		{"a source elsewhere", "  - https://intranet.vale.example/badge", "  - https://evil.example", "line 8:"},
		{"an address in the text", "Wipe the badge", "See evil.example and wipe the badge", "line 26:"},
		{"no sources", "sources:\n  - https://intranet.vale.example/badge\n", "", "key sources: missing"},
		{"no day", "reviewed: 2026-11-23", "reviewed: lately", "key reviewed"},
		{"a review that is far", "next-review: 2027-05-24", "next-review: 2028-05-24", "key next-review"},
		{"an unknown key", "audience:", "audiance:", "audiance"},
		{"few ways to ask", "  - badge login in the works\n", "", "key asks: 4 ways"},
		{"another name", "id: badge-sign-in", "id: badge", "key id"},
		{"a dated passage that does not end", "Wipe", "{{from 2027-02-01}}Wipe", "line 26"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(ownCanteen, tt.from, tt.to, 1)
			if text == ownCanteen {
				t.Fatal("nothing was changed")
			}
			_, err := loadOwn(map[string]string{"badge-sign-in.md": text}, "intranet.vale.example")
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "badge-sign-in.md") {
				t.Errorf("the error is %v, want one with %q", err, tt.want)
			}
		})
	}
}
