package main

import (
	"errors"
	"fmt"
	"io/fs"

	"twokey/bot/config"
	"twokey/docs"
)

// configCommand prints what helps to write the configuration.
type configCommand struct {
	Example exampleCommand `cmd:"" help:"Print an annotated configuration to begin with."`
	Schema  schemaCommand  `cmd:"" help:"Print the JSON Schema by which editors complete and check the file."`
}

type exampleCommand struct{}

// Run prints it as it stands in docs.
func (exampleCommand) Run(std streams) error {
	_, err := std.out.Write(docs.Example)
	return err
}

type schemaCommand struct{}

// Run makes the schema from the keys that this program reads.
func (schemaCommand) Run(std streams) error {
	schema, err := config.Schema(changeKinds(), docs.Example)
	if err != nil {
		return err
	}
	_, err = std.out.Write(schema)
	return err
}

// check says that a bot would start from a configuration, as far as the file and
// what it names on this machine tell.
func check(path string, cfg *config.Config, std streams) error {
	if err := unable(cfg); err != nil {
		return err
	}
	if _, err := rootsOf(cfg.Tenants[0].Graph.CAFile); err != nil {
		return cfg.Mistake("tenants[0].graph.ca_file", "the authority "+config.Unread(err))
	}
	if _, err := (ownGuide{cfg.Guide.Folder, cfg.Guide.Links, cfg.Guide.OwnTexts}).load(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return cfg.Mistake("guide.folder", "the folder "+config.Unread(err))
		}
		return cfg.Mistake("guide.folder", "an article cannot be taken: "+err.Error())
	}
	_, err := fmt.Fprintf(std.out, "%s is in order; “twokey doctor --config %s” looks at all that it names\n", path, path)
	return err
}
