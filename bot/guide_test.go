package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestU07FolderOfArticles holds that a bot does not start without the folder that
// its owner has named, or with an article that is wrong.
func TestU07FolderOfArticles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, err := (ownGuide{folder: filepath.Join(folder, "nowhere")}).load(); err == nil || !strings.Contains(err.Error(), "guide.folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
	if _, err := (ownGuide{folder: folder}).load(); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "new-phone.md"), []byte("---\nid: new-phone\n---\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (ownGuide{folder: folder}).load(); err == nil || !strings.Contains(err.Error(), "new-phone.md") {
		t.Errorf("an article that is wrong: %v", err)
	}
}
