package main

import (
	"fmt"
	"os"

	"twokey/commands/guide"
)

// ownGuide is what an organisation adds to the staff guide.
type ownGuide struct {
	folder string   // of its own articles; empty: there are none
	links  []string // hosts
	texts  bool     // whether texts come from a provider of its own
}

// load reads the guide with it.
func (o ownGuide) load() (*guide.Guide, error) {
	if o.folder == "" {
		return guide.Load()
	}
	if _, err := os.ReadDir(o.folder); err != nil { // or else a name that is typed wrong would be a folder without articles
		return nil, fmt.Errorf("guide.folder: %w", err)
	}
	return guide.LoadWith(os.DirFS(o.folder), o.links)
}
