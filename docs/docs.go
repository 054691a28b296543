// Package docs holds those of the documents that the program prints itself, for
// whoever has the program and nothing else.
package docs

import _ "embed"

// Example is the annotated configuration.
//
//go:embed twokey.example.yaml
var Example []byte
