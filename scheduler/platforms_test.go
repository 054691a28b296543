package scheduler

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"twokey/chat"
	"twokey/chat/chattest"
)

// platformsFolder is where every chat platform finds the digests that it has to
// show.
var platformsFolder = filepath.Join("..", "chat", "chattest", "digests")

// TestDigestsForPlatforms holds the digests that the platforms are tested with to
// what is said: the words to the byte, the picture as it is decoded, since an
// encoder may pack it otherwise and another processor round an edge otherwise.
func TestDigestsForPlatforms(t *testing.T) {
	t.Parallel()
	for _, name := range chattest.DigestNames {
		d, known := told()[name]
		if !known {
			t.Errorf("there is no digest %q", name)
			continue
		}
		sameWords(t, name, d.message)
		samePicture(t, name+".png", d.files[filePicture])
		golden(t, name+".json", string(d.files[fileFigures]))
	}
}

// TestVersionsForPlatforms does the same for what leaders and managers get.
func TestVersionsForPlatforms(t *testing.T) {
	t.Parallel()
	names := map[string]string{"id-0": "Ana López", "id-1": "<!channel> [press](https://evil.example)\u202e"}
	all := map[string]chat.Message{
		"leader":        must(LeaderMessage(told()["goal"].Digest)),
		"manager":       ManagerMessage(team(7, 3, 0, false), names),
		"manager-small": ManagerMessage(team(2, 1, 0, true), names),
	}
	for _, name := range chattest.VersionNames {
		m, known := all[name]
		if !known {
			t.Errorf("there is no version %q", name)
			continue
		}
		sameWords(t, name, m)
		if m.Image != nil {
			samePicture(t, name+".png", m.Image.PNG)
		}
	}
}

// sameWords compares a message, whose picture is a file of its own.
func sameWords(t *testing.T, name string, m chat.Message) {
	t.Helper()
	if m.Image != nil {
		m.Image = &chat.Image{Name: m.Image.Name, Alt: m.Image.Alt}
	}
	same(t, name+".json", indented(m))
}

func indented(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func same(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join(platformsFolder, name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := must(os.ReadFile(file)); !bytes.Equal(got, want) {
		t.Errorf("%s is now\n%s\nLook at it, then run with -update.", file, got)
	}
}

func samePicture(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join(platformsFolder, name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if n := differing(must(png.Decode(bytes.NewReader(got))), must(png.Decode(bytes.NewReader(must(os.ReadFile(file)))))); n > 50 {
		t.Errorf("got %d pixels unlike those of %s; look at the picture, then run with -update", n, file)
	}
}

// differing counts the pixels that an eye could tell apart; all of them, if the
// pictures are not of one size.
func differing(a, b image.Image) (n int) {
	if a.Bounds() != b.Bounds() {
		return math.MaxInt
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r1, g1, b1, _ := a.At(x, y).RGBA()
			r2, g2, b2, _ := b.At(x, y).RGBA()
			if slices.ContainsFunc([]int{int(r1) - int(r2), int(g1) - int(g2), int(b1) - int(b2)}, func(d int) bool { return max(d, -d) > 16*257 }) {
				n++
			}
		}
	}
	return n
}
