package guide

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// today is the fixed day on which the tests read the guide.
var today = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// loaded is the embedded guide, which nothing changes.
var loaded = sync.OnceValues(Load)

func mustLoad(t testing.TB) *Guide {
	t.Helper()
	g, err := loaded()
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return g
}

func TestTopics(t *testing.T) {
	t.Parallel()
	want := []string{
		"accessibility",
		"account-locked",
		"add-backup-method",
		"add-work-account",
		"android-iphone-differences",
		"app-lock-biometric",
		"app-passwords",
		"app-update-old-phone",
		"apple-watch",
		"approve-sign-in",
		"backup-restore",
		"can-i-opt-out",
		"change-default-method",
		"change-phone-number",
		"code-not-accepted",
		"cost-data-battery",
		"error-codes",
		"fake-authenticator-apps",
		"first-sign-in",
		"forgot-or-broken-phone",
		"forgot-password",
		"guest-contractor",
		"install-authenticator",
		"joining-leaving",
		"lost-stolen-phone",
		"mfa-what-why",
		"more-information-required",
		"new-phone",
		"no-notifications",
		"no-signal-travel",
		"no-smartphone",
		"number-matching",
		"old-outlook-mail-apps",
		"passkey-authenticator",
		"passwordless-sign-in",
		"phishing-tricks",
		"printers-scanners-smtp",
		"privacy-personal-phone",
		"prompted-too-often",
		"qr-code-problems",
		"security-key-fido2",
		"several-accounts",
		"shared-mailbox-device",
		"sign-in-blocked",
		"sms-vs-app",
		"stuck-in-loop",
		"temporary-access-pass",
		"text-or-call-not-arriving",
		"third-party-app-or-computer",
		"unexpected-prompt",
		"uninstall-remove",
		"work-profile-company-portal",
	}
	g := mustLoad(t)
	got := g.Topics()
	if !slices.Equal(got, want) {
		t.Errorf("Topics() = %v, want %v", got, want)
	}
	got[0] = "changed"
	if g.Topics()[0] != want[0] {
		t.Error("changing the returned topics changed the guide")
	}
}

func TestArticleUnknown(t *testing.T) {
	t.Parallel()
	if a, ok := mustLoad(t).Article("paper-jam", View{Now: today}); ok || a.ID != "" {
		t.Errorf("Article of an unknown topic = %+v, %v, want nothing", a, ok)
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	const appStore, googlePlay = "apps.apple.com/app/microsoft-authenticator/id983156458", "play.google.com/store/apps/details?id=com.azure.authenticator"
	tests := []struct {
		device    Device
		article   string
		says      []string // in the steps
		says0     string   // in the first step
		links     []string
		linksNone []string
	}{
		{AnyDevice, "add-work-account", []string{"aka.ms/mfasetup", "Scan a QR code"}, "Install", []string{appStore, googlePlay, "aka.ms/mfasetup"}, nil},
		{IPhone, "add-work-account", []string{"aka.ms/mfasetup", "Scan a QR code"}, "App Store", []string{appStore}, []string{googlePlay}},
		{Android, "add-work-account", []string{"aka.ms/mfasetup", "take pictures and record video"}, "Google Play", []string{googlePlay}, []string{appStore}},
		{PhoneOnly, "add-work-account", []string{"phone's browser", "Pair your account"}, "Install", []string{appStore, googlePlay}, nil},
		{Tablet, "add-work-account", []string{"Point the tablet"}, "tablet", []string{appStore, googlePlay}, nil},
		{NoPhone, "no-smartphone", []string{"security key", "code token", "admin"}, "tablet", nil, []string{appStore, googlePlay}},
		{Passkey, "add-work-account", []string{"Create a passkey"}, "iOS 17 or Android 14", []string{appStore, googlePlay}, nil},
		{Key, "add-work-account", []string{"Security key", "Plug in"}, "Security info", []string{"aka.ms/mfasetup"}, []string{appStore, googlePlay}},
		{Device("fridge"), "add-work-account", []string{"Scan a QR code"}, "Install", []string{appStore, googlePlay}, nil},
	}
	for _, tt := range tests {
		t.Run("device "+string(tt.device), func(t *testing.T) {
			t.Parallel()
			a := mustLoad(t).Setup(View{Device: tt.device, Now: today})
			if a.ID != tt.article {
				t.Errorf("ID = %q, want %q", a.ID, tt.article)
			}
			steps, urls := strings.Join(a.Steps, "\n"), ""
			for _, l := range a.Links {
				urls += l.URL + "\n"
			}
			if !strings.Contains(a.Steps[0], tt.says0) {
				t.Errorf("first step = %q, want it to say %q", a.Steps[0], tt.says0)
			}
			for _, s := range tt.says {
				if !strings.Contains(steps, s) {
					t.Errorf("steps do not say %q:\n%s", s, steps)
				}
			}
			for _, l := range tt.links {
				if !strings.Contains(urls, l) {
					t.Errorf("no link to %s in:\n%s", l, urls)
				}
			}
			for _, l := range tt.linksNone {
				if strings.Contains(urls, l) {
					t.Errorf("link to %s, which is not for %q", l, tt.device)
				}
			}
			if s := strings.Join([]string{steps, a.Otherwise}, " "); tt.device == PhoneOnly && strings.Contains(s, "computer") {
				t.Errorf("steps without a computer speak of one:\n%s", s)
			}
		})
	}
}

func TestTextChangesOnItsDate(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	january := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	february := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	july := time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		article       string
		day           time.Time
		before, after string
	}{
		{"add-backup-method", february, "Microsoft ends texts and calls on 1 February 2027", "Microsoft ended texts and calls on 1 February 2027"},
		{"change-default-method", february, "for most people these end on 1 February 2027", "for most people these ended on 1 February 2027"},
		{"change-phone-number", february, "texts and calls end on 1 February 2027", "texts and calls ended on 1 February 2027"},
		{"cost-data-battery", february, "For most people they end on 1 February 2027", "ended for most people on 1 February 2027"},
		{"forgot-or-broken-phone", february, "Pick what you have: a text, a call, your tablet", "Pick what you have: your tablet"},
		{"more-information-required", february, "You can put that off for now", "It is a must if texts or calls were all you had"},
		{"no-signal-travel", february, "Texts need roaming", "Microsoft ended them on 1 February 2027"},
		{"no-smartphone", february, "Microsoft ends them on 1 February 2027", "Microsoft ended them on 1 February 2027"},
		{"printers-scanners-smtp", january, "At the end of December 2026 Microsoft turns", "Since the end of December 2026"},
		{"sms-vs-app", february, "texts and calls end on 1 February 2027", "texts and calls ended on 1 February 2027"},
		{"sms-vs-app", july, "have until 1 July 2027", "they ended on 1 July 2027"},
		{"stuck-in-loop", february, "Take what is offered: a text, a call, a security key", "Take what is offered: a security key"},
		{"text-or-call-not-arriving", february, "Check the number first", "Microsoft ended texts and calls on 1 February 2027"},
	}
	for _, tt := range tests {
		t.Run(tt.article+tt.day.Format(" on 2 January"), func(t *testing.T) {
			t.Parallel()
			g := mustLoad(t)
			text := func(now time.Time) string {
				a, _ := g.Article(tt.article, View{Now: now})
				return a.all()
			}
			for _, now := range []time.Time{today, tt.day.Add(-time.Second)} {
				if s := text(now); !strings.Contains(s, tt.before) || strings.Contains(s, tt.after) {
					t.Errorf("on %s: want %q and not %q in\n%s", now, tt.before, tt.after, s)
				}
			}
			for _, now := range []time.Time{tt.day, tt.day.In(berlin), tt.day.AddDate(1, 0, 0)} {
				if s := text(now); !strings.Contains(s, tt.after) || strings.Contains(s, tt.before) {
					t.Errorf("on %s: want %q and not %q in\n%s", now, tt.after, tt.before, s)
				}
			}
			// The day begins where the reader is.
			if s := text(tt.day.Add(-30 * time.Minute).In(berlin)); !strings.Contains(s, tt.after) {
				t.Errorf("at half past midnight in Berlin: want %q in\n%s", tt.after, s)
			}
		})
	}
}

// Guests, and what is said to people who hear or see little.
func TestTextsAndCallsEndForEachOnTheirDate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		article       string
		day           time.Time
		before, after string
	}{
		{"guest-contractor", time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC), "for guests Microsoft ends them on 1 July 2027", "for guests Microsoft ended them on 1 July 2027"},
		{"accessibility", time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), "A call can read it all out", "Do not plan on calls or texts"},
	}
	for _, tt := range tests {
		t.Run(tt.article, func(t *testing.T) {
			t.Parallel()
			g := mustLoad(t)
			dayBefore, _ := g.Article(tt.article, View{Now: tt.day.Add(-time.Second)})
			onTheDay, _ := g.Article(tt.article, View{Now: tt.day})
			before, after := strings.Join(dayBefore.Steps, "\n"), strings.Join(onTheDay.Steps, "\n")
			if !strings.Contains(before, tt.before) || strings.Contains(before, tt.after) {
				t.Errorf("the day before: want %q and not %q in\n%s", tt.before, tt.after, before)
			}
			if !strings.Contains(after, tt.after) || strings.Contains(after, tt.before) {
				t.Errorf("on the day: want %q and not %q in\n%s", tt.after, tt.before, after)
			}
		})
	}
}

func TestDatedStepVanishes(t *testing.T) {
	t.Parallel()
	a := article{common: section{steps: []string{"Stay.", "{{before 2027-02-01}}Go.{{end}}"}}}
	before := a.at(View{Now: today}).Steps
	after := a.at(View{Now: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)}).Steps
	if !slices.Equal(before, []string{"Stay.", "Go."}) || !slices.Equal(after, []string{"Stay."}) {
		t.Errorf("steps before, after = %q, %q", before, after)
	}
}

// files returns the embedded files with one of them changed.
func files(t *testing.T, name, from, to string) fstest.MapFS {
	t.Helper()
	out := make(fstest.MapFS)
	err := fs.WalkDir(embedded, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(embedded, p)
		out[p] = &fstest.MapFile{Data: raw}
		return err
	})
	if err != nil {
		t.Fatalf("copy files: %v", err)
	}
	text := string(out[name].Data)
	if !strings.Contains(text, from) {
		t.Fatalf("%s does not contain %q", name, from)
	}
	out[name].Data = []byte(strings.Replace(text, from, to, 1))
	return out
}

func TestLoadNamesTheFault(t *testing.T) {
	t.Parallel()
	const article = "articles/en/new-phone.md"
	tests := []struct {
		name, file, from, to string
		want                 []string
	}{
		{"unknown key", article, "title: ", "titel: ", []string{article, "[3:1]", "titel"}},
		{"wrong type", article, "  - label: Security info (aka.ms/mysecurityinfo)", "  - [label]", []string{article, "["}},
		{"no day", article, "reviewed: 2026-11-23", "reviewed: soon", []string{article, "key reviewed", "soon"}},
		{"no day for the next review", article, "next-review: 2027-05-24\n", "", []string{article, "key next-review"}},
		{"missing key", article, "title: Move Authenticator to a new phone\n", "", []string{article, "key title: missing"}},
		{"no front matter", article, "---\n", "", []string{article, "line 1"}},
		{"front matter without end", article, "---\nAdd", "Add", []string{article, "no end"}},
		{"id of another file", article, "id: new-phone", "id: newphone", []string{article, "key id", "newphone.md"}},
		{"unknown device in a link", article, "not: [android]", "not: [windows]", []string{article, "key links[1].not", "windows"}},
		{"unknown heading", article, "## A person can help when", "## Ask a person when", []string{article, "line ", "Ask a person when"}},
		{"unknown variant", article, "# android: ", "# symbian: ", []string{article, "line ", "symbian"}},
		{"variant twice", article, "# android: ", "# iphone: ", []string{article, "line ", "second variant", "iphone"}},
		{"step out of order", article, "3. Choose", "4. Choose", []string{article, "line ", "step 4"}},
		{"text between the steps", article, "3. Choose", "Choose", []string{article, "line ", "text after the steps"}},
		{"no steps", article, "1. Install Microsoft Authenticator on the new phone.\n", "", []string{article, "line ", "step 2"}},
		{"no lead", article, "Add your account again on the new phone, and part with the old one only after that.\n", "", []string{article, "no answer before the steps"}},
		{"passage without end", article, "1. Install", "1. {{before 2027-02-01}}Install", []string{article, "line ", "passage"}},
		{"dated passage on no day", article, "1. Install", "1. {{from 2027-02-31}}Now{{end}} install", []string{article, "line ", "dated passage"}},
		{"passage on no fact", article, "1. Install", "1. {{if rainy}}Now{{end}} install", []string{article, "line ", "rainy"}},
		{"passage on nothing", article, "1. Install", "1. {{}}Now{{end}} install", []string{article, "line ", "passage"}},
		{"passage within another", article, "1. Install", "1. {{if policies}}a {{if no-texts}}b{{end}}{{end}} install", []string{article, "line ", "passage"}},
		{"passage on half a condition", article, "1. Install", "1. {{if policies unless}}Now{{end}} install", []string{article, "line ", "passage"}},
		{"article on no fact", article, "reviewed: ", "depends: [rain]\nreviewed: ", []string{article, "key depends[0]", "rain"}},
		{"article left out", "articles/en/no-smartphone.md", "id: no-smartphone", "id: nophone", []string{"no-smartphone.md", "key id"}},
		{"translation of an older English", "articles/de/new-phone.md", "of: 2026-11-23", "of: 2026-01-01", []string{"articles/de/new-phone.md", "key of"}},
		{"translation of nothing", "articles/de/new-phone.md", "id: new-phone", "id: newphone", []string{"articles/de/new-phone.md", "key id"}},
		{"translation without a title", "articles/de/new-phone.md", "title: ", "# ", []string{"articles/de/new-phone.md", "key title"}},
		{"link without a label", "articles/de/labels.yaml", "\"Security info\": ", "\"Security infos\": ", []string{"labels.yaml", "Security info"}},
		{"unknown key in words", wordsFile, "stop:", "stopp:", []string{wordsFile, "stopp"}},
		{"unknown device in words", wordsFile, "  tablet: [tablet, ipad", "  slate: [tablet, ipad", []string{wordsFile, "devices", "slate"}},
		{"phrase with two meanings", wordsFile, "  wet: [water,", "  wet: [bank, water,", []string{wordsFile, "bank"}},
		{"near an unknown article", elsewhereFile, "near: [no-smartphone]", "near: [nophone]", []string{elsewhereFile, "near", "nophone"}},
		{"handed over though it has an article", elsewhereFile, "id: do-it-for-me", "id: new-phone", []string{elsewhereFile, "id", "new-phone"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(files(t, tt.file, tt.from, tt.to))
			if err == nil {
				t.Fatal("load succeeded")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}

func TestLoadLineIsTheFilesLine(t *testing.T) {
	t.Parallel()
	const name = "articles/en/new-phone.md"
	changed := files(t, name, "3. Choose", "7. Choose")
	want := ""
	for i, line := range strings.Split(string(changed[name].Data), "\n") {
		if strings.HasPrefix(line, "7. Choose") {
			want = "line " + strconv.Itoa(i+1) + ":"
		}
	}
	if _, err := load(changed); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want it to say %q", err, want)
	}
}

func TestLoadReadsWindowsLines(t *testing.T) {
	t.Parallel()
	all := files(t, "articles/en/new-phone.md", "\n", "\n")
	for name, f := range all {
		if strings.HasSuffix(name, ".md") {
			f.Data = []byte(strings.ReplaceAll(string(f.Data), "\n", "\r\n"))
		}
	}
	g, err := load(all)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	want := mustLoad(t).Setup(View{Device: IPhone, Now: today})
	if got := g.Setup(View{Device: IPhone, Now: today}); got.Lead != want.Lead || !slices.Equal(got.Steps, want.Steps) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLoadWithoutArticles(t *testing.T) {
	t.Parallel()
	if _, err := load(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "add-work-account.md") {
		t.Errorf("error = %v, want the missing file's name", err)
	}
}
