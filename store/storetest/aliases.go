package storetest

import (
	"encoding/hex"
	"regexp"
	"testing"

	"twokey/audit"
	"twokey/commands/approval"
)

var aliases = map[string]func(*testing.T, *bench){
	"a person has one pseudonym":              aliasOne,
	"a pseudonym can be checked":              aliasChecked,
	"who is no person keeps the name":         aliasNobody,
	"a pseudonym that was not stored is lost": aliasRollback,
	"words are kept aside under a mark":       asideChecked,
}

func (b *bench) alias(t *testing.T, tenant, object, name string) (pseudonym string) {
	t.Helper()
	b.update(t, func(tx approval.Tx) (err error) {
		pseudonym, err = tx.Alias(tenant, object, name)
		return err
	})
	return pseudonym
}

func (b *bench) who(t *testing.T, pseudonyms ...string) map[string]audit.Person {
	t.Helper()
	people, err := b.Who(t.Context(), pseudonyms...)
	if err != nil {
		t.Fatalf("Who: %v", err)
	}
	return people
}

var pseudonymForm = regexp.MustCompile(`^p-[0-9a-f]{16}$`)

func aliasOne(t *testing.T, b *bench) {
	p := b.alias(t, tenant, "ada", "Ada "+hostile)
	if !pseudonymForm.MatchString(p) {
		t.Errorf("pseudonym %q", p)
	}
	for _, name := range []string{"", "Ada Okafor", ""} {
		if again := b.alias(t, tenant, "ada", name); again != p {
			t.Errorf("the same person is %s and %s", p, again)
		}
	}
	b.reopen(t)
	if again := b.alias(t, tenant, "ada", ""); again != p {
		t.Errorf("after reopening the same person is %s and %s", p, again)
	}
	if got := b.who(t, p, "p-0000000000000000"); len(got) != 1 || got[p].Name != "Ada Okafor" {
		t.Errorf("Who = %+v, want the name as of the last use, and nobody else", got)
	}
	for _, other := range []string{b.alias(t, tenant, "bea", "Ada Okafor"), b.alias(t, "another", "ada", "Ada Okafor")} {
		if other == p {
			t.Errorf("two people are both %s", p)
		}
	}
}

func aliasChecked(t *testing.T, b *bench) {
	p := b.alias(t, tenant, "ada", "Ada")
	who := b.who(t, p)[p]
	secret, err := hex.DecodeString(who.Secret)
	if err != nil || len(secret) != 32 || audit.Pseudonym(secret, who.Tenant, who.Object) != p || who.Object != "ada" || who.Tenant != tenant {
		t.Errorf("%+v (%v) is not checked by its secret", who, err)
	}
	q := b.alias(t, tenant, "bea", "")
	if b.who(t, q)[q].Secret == who.Secret {
		t.Error("two people share a secret")
	}
}

func aliasNobody(t *testing.T, b *bench) {
	for _, object := range []string{"", audit.Bot, audit.Host} {
		if got := b.alias(t, tenant, object, "a name"); got != object {
			t.Errorf("Alias(%q) = %q, want it as it is", object, got)
		}
	}
}

func aliasRollback(t *testing.T, b *bench) {
	var p string
	b.refuse(t, errStop, func(tx approval.Tx) (err error) {
		if p, err = tx.Alias(tenant, "ada", "Ada"); err != nil {
			return err
		}
		return errStop
	})
	if got := b.who(t, p); len(got) != 0 {
		t.Errorf("Who = %+v after a rollback", got)
	}
}

func asideChecked(t *testing.T, b *bench) {
	var mark, twin, none string
	b.update(t, func(tx approval.Tx) (err error) {
		if mark, err = tx.Aside(tenant, "R-1", hostile); err != nil {
			return err
		}
		if twin, err = tx.Aside(tenant, "R-2", hostile); err != nil {
			return err
		}
		none, err = tx.Aside(tenant, "R-1", "")
		return err
	})
	if none != "" || mark == twin {
		t.Errorf("marks %q and %q of the same words, %q of none", mark, twin, none)
	}
	all, err := b.Asides(t.Context(), "R-1")
	if err != nil || len(all) != 1 {
		t.Fatalf("Asides = %+v, %v", all, err)
	}
	secret, err := hex.DecodeString(all[0].Secret)
	if err != nil || all[0].Words != hostile || audit.Mark(secret, all[0].Words) != mark || all[0].Mark != mark {
		t.Errorf("%+v (%v) is not checked by its secret", all[0], err)
	}
}
