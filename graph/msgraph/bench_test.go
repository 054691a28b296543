package msgraph_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
)

// BenchmarkSweep reads 100,000 people from a tenant in another process, by our
// client, by a plain reading of the same pages with encoding/json row by row,
// and by a reading that only takes the bytes in. The CPU is this process's own,
// user and system, per sweep. Ours may cost at most mostOfStream of the plain
// reading beside it; absolute times depend on the machine and are only printed.
func BenchmarkSweep(b *testing.B) {
	root := otherProcess(b, servePeople+"=100000", keepPages+"=1")
	transport := &http.Transport{}
	b.Cleanup(transport.CloseIdleConnections)
	plainClient := &http.Client{Transport: transport}
	c, err := msgraph.New(msgraph.Config{BaseURL: root + "/v1.0", Credential: msgraph.StaticToken("bench"), Transport: transport, Unbudgeted: true})
	if err != nil {
		b.Fatal(err)
	}
	want, err := countByPages(b.Context(), c)
	if err != nil || want < 100_000 {
		b.Fatalf("got %d users and error %v, want at least 100,000", want, err)
	}
	const first = "/v1.0/users?$select=id,displayName,userPrincipalName,mail,department,userType,accountEnabled,onPremisesSyncEnabled,assignedLicenses,createdDateTime&$top=999"
	perSweep := map[string]time.Duration{}
	for _, reader := range []struct {
		name  string
		sweep func() (int, error)
	}{
		{"stream", func() (int, error) { return streamed(plainClient, root+first) }},
		{"drain", func() (int, error) {
			if pages, err := drained(plainClient, root+first); err != nil || pages != (want+998)/999 {
				return 0, fmt.Errorf("%d pages: %w", pages, err)
			}
			return want, nil
		}},
		{"ours", func() (int, error) { return countByPages(b.Context(), c) }},
	} {
		b.Run(reader.name, func(b *testing.B) {
			b.ReportAllocs()
			begin := ownCPU()
			for b.Loop() {
				if n, err := reader.sweep(); err != nil || n != want {
					b.Fatalf("got %d users and error %v, want %d", n, err, want)
				}
			}
			perSweep[reader.name] = (ownCPU() - begin) / time.Duration(b.N)
			b.ReportMetric(float64(perSweep[reader.name].Microseconds())/1000, "cpu-ms/op")
			if plain := perSweep["stream"]; plain > 0 {
				ratio := float64(perSweep[reader.name]) / float64(plain)
				b.ReportMetric(ratio, "cpu/stream")
				if reader.name == "ours" && ratio > mostOfStream {
					b.Errorf("CPU: got %.2f of the plain reading's, want at most %.2f", ratio, mostOfStream)
				}
			}
		})
	}
}

// mostOfStream is what our reading may cost of the plain one's CPU.
const mostOfStream = 0.6

// ownCPU is what this process has spent.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// plainRow is a user as encoding/json reads one.
type plainRow struct {
	ID                    string `json:"id"`
	DisplayName           string `json:"displayName"`
	UserPrincipalName     string `json:"userPrincipalName"`
	Mail                  string `json:"mail"`
	Department            string `json:"department"`
	UserType              string `json:"userType"`
	AccountEnabled        *bool  `json:"accountEnabled"`
	OnPremisesSyncEnabled *bool  `json:"onPremisesSyncEnabled"`
	AssignedLicenses      []struct {
		SKUID string `json:"skuId"`
	} `json:"assignedLicenses"`
	CreatedDateTime time.Time `json:"createdDateTime"`
}

// streamed reads page after page with a json.Decoder, a row at a time.
func streamed(c *http.Client, address string) (n int, _ error) {
	for address != "" {
		res, err := c.Get(address)
		if err != nil {
			return n, err
		}
		rows, next, err := streamPage(json.NewDecoder(res.Body))
		_ = res.Body.Close()
		if err != nil {
			return n, err
		}
		n, address = n+rows, next
	}
	return n, nil
}

func streamPage(d *json.Decoder) (rows int, next string, _ error) {
	if _, err := d.Token(); err != nil {
		return 0, "", err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return 0, "", err
		}
		switch name {
		case "value":
			if rows, err = streamRows(d); err != nil {
				return 0, "", err
			}
		case "@odata.nextLink":
			err = d.Decode(&next)
		default:
			err = d.Decode(new(json.RawMessage))
		}
		if err != nil {
			return 0, "", err
		}
	}
	_, err := d.Token()
	return rows, next, err
}

func streamRows(d *json.Decoder) (n int, _ error) {
	if _, err := d.Token(); err != nil {
		return 0, err
	}
	for ; d.More(); n++ {
		var row plainRow
		if err := d.Decode(&row); err != nil {
			return 0, err
		}
	}
	_, err := d.Token()
	return n, err
}

// drained takes the bytes of all pages in, and looks for the link to the next
// one only where this tenant writes it: at a page's beginning or at its end.
func drained(c *http.Client, address string) (pages int, _ error) {
	buffer := make([]byte, 64<<10)
	for ; address != ""; pages++ {
		res, err := c.Get(address)
		if err != nil {
			return pages, err
		}
		edges, err := drain(res.Body, buffer)
		_ = res.Body.Close()
		if err != nil {
			return pages, err
		}
		_, link, found := strings.Cut(edges, `"@odata.nextLink":"`)
		if address = ""; found {
			address, _, _ = strings.Cut(link, `"`)
		}
	}
	return pages, nil
}

// drain returns the first and the last kilobyte.
func drain(r io.Reader, buffer []byte) (edges string, _ error) {
	const long = 1 << 10
	var head, tail []byte
	for {
		n, err := r.Read(buffer)
		if len(head) < long {
			head = append(head, buffer[:min(n, long)]...)
		}
		tail = append(tail, buffer[max(0, n-long):n]...)
		tail = tail[max(0, len(tail)-long):]
		if err == io.EOF {
			return string(head) + string(tail), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// BenchmarkMillion reads a million people, page by page, in a process of its
// own, and reports the most memory that it had, with that of its start beside.
func BenchmarkMillion(b *testing.B) {
	root := otherProcess(b, servePeople+"=1000000")
	for b.Loop() {
		var n, start, peak int
		said := otherProcess(b, sweepTenant+"="+root)
		if _, err := fmt.Sscan(said, &n, &start, &peak); err != nil || n < 1_000_000 {
			b.Fatalf("the sweep said %q: %v", said, err)
		}
		if peak > 100<<10 {
			b.Errorf("peak memory: got %d KB, want at most 100 MB", peak)
		}
		b.ReportMetric(float64(start)/1024, "start-MB")
		b.ReportMetric(float64(peak)/1024, "peak-MB")
		b.ReportMetric(float64(n), "people")
	}
}

// TestListsOverlap reads two lists side by side from a tenant that takes its
// time: together they take as long as the slower one.
func TestListsOverlap(t *testing.T) {
	t.Parallel()
	users, registrations := make([]string, 12), make([]string, 5)
	for i := range users {
		users[i] = person(fmt.Sprint("u", i))
	}
	for i := range registrations {
		registrations[i] = fmt.Sprintf(`{"id":"u%d","isMfaRegistered":true,"isMfaCapable":true,"methodsRegistered":[]}`, i)
	}
	same := func(r *http.Request, page int) string {
		return fmt.Sprintf("http://%s%s?$skiptoken=p%d", r.Host, r.URL.Path, page)
	}
	mux := http.NewServeMux()
	mux.Handle("/v1.0/users", pages(same, users...))
	mux.Handle("/v1.0/reports/", pages(same, registrations...))
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(80 * time.Millisecond)
		mux.ServeHTTP(w, r)
	})
	bubble(t, slow, func(t *testing.T, c *msgraph.Client) {
		readUsers := func() {
			if got, err := c.Users(t.Context()); err != nil || len(got) != len(users) {
				t.Errorf("got %d users and error %v", len(got), err)
			}
		}
		begin := time.Now()
		readUsers()
		alone := time.Since(begin)
		begin = time.Now()
		done := make(chan []graph.Registration)
		go func() {
			got, err := c.Registrations(t.Context())
			if err != nil {
				t.Error(err)
			}
			done <- got
		}()
		readUsers()
		if got := <-done; len(got) != len(registrations) {
			t.Errorf("got %d registrations, want %d", len(got), len(registrations))
		}
		if both := time.Since(begin); alone < 12*80*time.Millisecond || float64(both) > 1.1*float64(alone) {
			t.Errorf("users alone took %v, with the report beside %v; want no more than a tenth longer", alone, both)
		}
	})
}
