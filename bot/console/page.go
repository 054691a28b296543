package console

import (
	"embed"
	"net/http"
	"path"
)

// files are the page: no framework, no build step, nothing from elsewhere.
//
//go:embed page
var files embed.FS

// contentTypes are written out because the machine's own table may differ.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// page serves the embedded files: index.html at the root, the others by name.
func (c *Console) page(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "" {
		name = "index.html"
	}
	content, err := files.ReadFile(path.Join("page", name))
	if err != nil {
		c.fail(w, r, refuse(http.StatusNotFound, "There is no file %q here.", name))
		return
	}
	w.Header().Set("Content-Type", contentTypes[path.Ext(name)])
	_, _ = w.Write(content) // fails only if the reader has gone
}
