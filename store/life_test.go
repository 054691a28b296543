package store

import (
	"os"
	osexec "os/exec"
	"testing"
)

func TestLife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := NewLife(dir)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewLife(dir)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := NewLife(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, alive := range map[string]string{
		"itself": l.Name(), "another": other.Name(), "one elsewhere": elsewhere.Name(),
		"no name": "", "a path": "../" + other.Name(), "what is no life": "twokey.db",
	} {
		if l.Gone(alive) {
			t.Errorf("%s is said to be gone", name)
		}
	}
	if err := other.lock.Unlock(); err != nil { // as the end of a process does
		t.Fatal(err)
	}
	for range 2 { // asking changes nothing
		if !l.Gone(other.Name()) {
			t.Error("a process that ended is not said to be gone")
		}
	}
	for _, end := range []*Life{l, other, elsewhere} {
		if err := end.Close(); err != nil {
			t.Error(err)
		}
	}
	if l.Gone(other.Name()) {
		t.Error("what ended in order left something to ask")
	}
}

// A life ends with its process, however that ends.
func TestLifeOfAKilledProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if held := os.Getenv("TWOKEY_LIFE"); held != "" {
		l, err := NewLife(held)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString(l.Name() + "\n")
		select {}
	}
	l, err := NewLife(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := osexec.Command(os.Args[0], "-test.run", "^TestLifeOfAKilledProcess$")
	cmd.Env = append(os.Environ(), "TWOKEY_LIFE="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	name := make([]byte, len(l.Name()))
	if _, err := out.Read(name); err != nil {
		t.Fatal(err)
	}
	if l.Gone(string(name)) {
		t.Error("it is said to be gone while it runs")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !l.Gone(string(name)) {
		t.Error("it is not said to be gone after it was killed")
	}
}
