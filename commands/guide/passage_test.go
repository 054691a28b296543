package guide

import (
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat/phrases"
)

// What an article says follows the tenant, in each language that has it.
func TestTextFollowsTheTenant(t *testing.T) {
	t.Parallel()
	february := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		article, language string
		now               time.Time
		facts             []Fact
		says, not         string
	}{
		{"mfa-what-why", "en", today, nil, "switched on security defaults", "has rules"},
		{"mfa-what-why", "en", today, []Fact{Policies}, "has rules for signing in", "security defaults"},
		{"mfa-what-why", "de", today, nil, "Sicherheitsstandards", "hat Regeln"},
		{"mfa-what-why", "de", today, []Fact{Policies}, "hat Regeln", "Sicherheitsstandards"},
		{"mfa-what-why", "es", today, []Fact{Policies}, "tiene reglas", "predeterminados"},
		{"mfa-what-why", "fr", today, []Fact{Policies}, "a des règles", "par défaut"},
		{"mfa-what-why", "pt", today, []Fact{Policies}, "tem regras", "padrões de segurança"},
		{"mfa-what-why", "vi", today, []Fact{Policies}, "quy tắc", "mặc định bảo mật"},
		{"can-i-opt-out", "en", today, nil, "security defaults", "The rules say"},
		{"mfa-what-why", "en", today, []Fact{NotAsked}, "does not ask everybody for it yet", "security defaults"},
		{"mfa-what-why", "de", today, []Fact{NotAsked}, "noch nicht von allen", "Sicherheitsstandards"},
		{"mfa-what-why", "es", today, []Fact{NotAsked}, "todavía no la pide", "predeterminados"},
		{"mfa-what-why", "fr", today, []Fact{NotAsked}, "pas encore", "par défaut"},
		{"mfa-what-why", "pt", today, []Fact{NotAsked}, "ainda não a pede", "padrões de segurança"},
		{"mfa-what-why", "vi", today, []Fact{NotAsked}, "chưa đòi", "mặc định bảo mật"},
		{"mfa-what-why", "en", today, nil, "has switched on security defaults", "does not ask everybody"},
		{"can-i-opt-out", "en", today, []Fact{NotAsked}, "Not everybody is asked yet", "No: it is one switch"},
		{"can-i-opt-out", "en", today, []Fact{Policies}, "The rules say", "security defaults"},
		{"first-sign-in", "en", today, []Fact{Policies}, "rules say when you are asked", "only when Microsoft sees a need"},
		{"prompted-too-often", "en", today, []Fact{Policies}, "rules decide", "Microsoft decides"},
		{"app-passwords", "en", today, []Fact{Policies}, "hardly any", "security defaults"},
		{"forgot-or-broken-phone", "en", today, nil, "a text, a call, your tablet", "Pick what you have: your"},
		{"forgot-or-broken-phone", "en", today, []Fact{NoTexts}, "Pick what you have: your tablet", "a text"},
		{"forgot-or-broken-phone", "en", february, nil, "Pick what you have: your tablet", "a text"},
		{"forgot-or-broken-phone", "en", today, []Fact{NoPasses}, "Pick what you have", "Temporary Access Pass"},
		{"forgot-or-broken-phone", "vi", today, []Fact{NoTexts, NoPasses}, "máy tính bảng", "tin nhắn"},
		{"security-key-fido2", "en", today, []Fact{NoPasses}, "Lost your key", "Temporary Access Pass"},
	}
	g := mustLoad(t)
	for _, tt := range tests {
		a, ok := g.Article(tt.article, View{Language: phrases.Language(tt.language), Now: tt.now, Facts: tt.facts})
		if text := a.all(); !ok || string(a.Language) != tt.language || !strings.Contains(text, tt.says) || strings.Contains(text, tt.not) {
			t.Errorf("%s in %s with %v: want %q and not %q in\n%s", tt.article, tt.language, tt.facts, tt.says, tt.not, text)
		}
	}
}

// An article names what holds and what it hangs on, and nothing else.
func TestArticleNamesTheFactsThatItHangsOn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		article string
		device  Device
		facts   []Fact
		want    []Fact
	}{
		{"sms-vs-app", AnyDevice, nil, nil},
		{"sms-vs-app", AnyDevice, []Fact{Policies, NoPasses}, nil},
		{"sms-vs-app", AnyDevice, []Fact{NoTexts}, []Fact{NoTexts}},
		{"sms-vs-app", AnyDevice, []Fact{OwnTexts}, []Fact{OwnTexts}},
		{"passkey-authenticator", AnyDevice, []Fact{NoPasskeys}, []Fact{NoPasskeys}},
		{"temporary-access-pass", AnyDevice, []Fact{NoPasses}, []Fact{NoPasses}},
		{"third-party-app-or-computer", AnyDevice, []Fact{NoCodes}, []Fact{NoCodes}},
		{"add-work-account", AnyDevice, []Fact{NoPasskeys}, nil},
		{"add-work-account", Key, []Fact{NoPasskeys}, []Fact{NoPasskeys}},
		{"add-work-account", Passkey, []Fact{NoPasskeys}, []Fact{NoPasskeys}},
	}
	g := mustLoad(t)
	for _, tt := range tests {
		for _, l := range []phrases.Language{phrases.English, phrases.German} {
			a, _ := g.Article(tt.article, View{Language: l, Device: tt.device, Now: today, Facts: tt.facts})
			if !slices.Equal(a.Holding, tt.want) {
				t.Errorf("%s for %q in %s with %v: holding %v, want %v", tt.article, tt.device, l, tt.facts, a.Holding, tt.want)
			}
		}
	}
}
