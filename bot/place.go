package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"twokey/bot/config"
	"twokey/commands"
	"twokey/commands/approval"
)

// place is where a bot keeps its data: its configuration says it, or a demo's
// data folder is it.
type place struct {
	Config string `help:"The configuration file." type:"path" xor:"source" placeholder:"FILE"`
	Data   string `help:"The demo's data folder." type:"path" xor:"source" placeholder:"DIR"`
}

// dsn returns the database. Mistakes elsewhere in the configuration do not
// matter here, and come back beside it: whoever must freeze or look at the
// record must not be kept from it by them.
func (p place) dsn() (dsn string, c *config.Config, ignored config.Mistakes, err error) {
	if p.Data != "" {
		dsn, err := databaseIn(p.Data)
		return dsn, nil, nil, err
	}
	c, err = loadConfig(p.Config)
	if err != nil && (!errors.As(err, &ignored) || len(ignored.Concern("store")) > 0) {
		return "", nil, nil, err
	}
	return c.Store.DSN.Reveal(), c, ignored, nil
}

// loadConfig reads a configuration as this program understands it.
func loadConfig(path string) (*config.Config, error) {
	return config.Load(path, config.Options{Kinds: changeKinds(), Getenv: os.LookupEnv})
}

// changeKinds are the kinds of change that can be switched on.
func changeKinds() []string {
	kinds := slices.Sorted(maps.Keys(commands.Actions(commands.Env{})))
	return slices.DeleteFunc(kinds, func(k string) bool { return k == approval.KindThaw }) // which is never switched on or off
}

// databaseIn returns the database of a demo's data folder, which must be there.
func databaseIn(folder string) (string, error) {
	path := filepath.Join(folder, databaseName)
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no %s in %s: was it a demo's data folder?", databaseName, folder)
	}
	return path, err
}
