package storetest

import (
	"testing"

	"twokey/chat"
	"twokey/chat/phrases"
)

var languages = map[string]func(*testing.T, *bench){
	"a language is kept for each account": keepLanguage,
}

func (b *bench) speaks(t *testing.T, tenant string, a chat.Account, want phrases.Language) {
	t.Helper()
	if got, err := b.Language(t.Context(), tenant, a); got != want || err != nil {
		t.Errorf("Language(%s, %+v) = %q, %v; want %q", tenant, a, got, err, want)
	}
}

func keepLanguage(t *testing.T, b *bench) {
	ann := chat.Account{Platform: "p", Workspace: "T1", User: "U1"}
	other := chat.Account{Platform: "p", Workspace: "T2", User: "U1"}
	set := func(a chat.Account, object string, l phrases.Language) {
		t.Helper()
		if err := b.SetLanguage(t.Context(), "one", a, object, l); err != nil {
			t.Errorf("SetLanguage: %v", err)
		}
	}
	b.speaks(t, "one", ann, "")
	set(ann, "", phrases.German)
	b.speaks(t, "one", ann, phrases.German)
	b.speaks(t, "two", ann, "")
	b.speaks(t, "one", other, "")
	set(ann, hostile, phrases.Vietnamese)
	set(other, hostile, phrases.French)
	b.reopen(t)
	b.speaks(t, "one", ann, phrases.Vietnamese)
	set(ann, hostile, "")
	b.speaks(t, "one", ann, "")
	b.speaks(t, "one", other, phrases.French)
	set(other, "", "")
	set(other, "", "") // what is not there is forgotten already
}
