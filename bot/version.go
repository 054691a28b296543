package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints what is running.
func (versionCommand) Run(std streams) error {
	_, err := fmt.Fprintln(std.out, build())
	return err
}

// build returns version, commit and Go as the toolchain recorded them.
func build() string {
	version, commit := "development", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			version = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	return fmt.Sprintf("Twokey %s, commit %s, %s", version, commit, runtime.Version())
}
