package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// grows matches the steps of a plan that read a table from end to end which grows
// for as long as the bot is used, or all that is a tenant's in it, which is the
// same where there is one.
var grows = func() *regexp.Regexp {
	const tables = "(request|decision|attempt|step|outbox|audit|aside|alias)"
	return regexp.MustCompile(`^SCAN ` + tables + `\b|^SEARCH ` + tables + ` USING .*\(tenant=\?\)$`)
}()

// endToEnd are the statements that may do so, and why.
var endToEnd = map[string]string{
	" LIKE ":                                 "somebody is forgotten, or looked for",
	"kind IN ('digest.posted'":               "asked at a start and by the hour",
	" FROM audit ORDER BY number":            "by its key, and as far as the limit",
	"FROM step JOIN request":                 "as often as the tenant's log is read, which takes longer",
	"FROM request WHERE 1 = 1 ORD":           "all are wanted",
	"FROM request WHERE tenant = ? ORDER BY": "all are wanted",
}

// SQLite is not told how many rows there are of what, and may find that reading a
// whole table is as good as anything. What is asked every second, or while
// somebody waits, must not take longer with each request that there has ever been.
func TestNothingReadsWhatGrowsFromEndToEnd(t *testing.T) {
	t.Parallel()
	heard := &overheard{statements: map[string]bool{}}
	fresh := databases["SQLite"]
	t.Run("suite", func(t *testing.T) {
		suite(t, fresh, func(s *Store) tested { return told{s, heard} })
	})
	if len(heard.statements) < 200 {
		t.Errorf("only %d statements were heard", len(heard.statements))
	}
	s, used := opened(t, fresh(t)), map[string]bool{}
	for _, statement := range slices.Sorted(maps.Keys(heard.statements)) {
		may := ""
		for part := range endToEnd {
			if strings.Contains(statement, part) {
				may = part
			}
		}
		for _, step := range planOf(t, s, statement) {
			if !grows.MatchString(step) {
				continue
			}
			if used[may] = true; may == "" {
				t.Errorf("%s: %s", step, strings.Join(strings.Fields(statement), " "))
			}
		}
	}
	for part := range endToEnd {
		if !used[part] {
			t.Errorf("no statement with %q reads anything from end to end any more", part)
		}
	}
}

// planOf returns the steps by which SQLite answers a statement.
func planOf(t *testing.T, s *Store, statement string) (steps []string) {
	t.Helper()
	n := 0
	code(statement, func(part string) string {
		n += strings.Count(part, "?")
		return part
	})
	rows, err := s.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, make([]any, n)...)
	if err != nil {
		t.Errorf("%s: %v", statement, err)
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
	return steps
}

// overheard is what stores have asked of SQLite.
type overheard struct {
	mu         sync.Mutex
	statements map[string]bool
}

// told is a store that tells, when it is closed, what it has asked: its connections
// keep that parsed.
type told struct {
	*Store
	heard *overheard
}

func (s told) Close() error {
	s.heard.mu.Lock()
	defer s.heard.mu.Unlock()
	var all []*sql.Conn
	for range s.db.Stats().OpenConnections {
		conn, err := s.db.Conn(context.Background())
		if err != nil {
			return err
		}
		all = append(all, conn)
	}
	for _, conn := range all {
		err := conn.Raw(func(c any) error {
			of, ok := c.(*parsing)
			if !ok {
				return fmt.Errorf("a connection is a %T", c)
			}
			for text := range of.kept {
				s.heard.statements[text] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := conn.Close(); err != nil {
			return err
		}
	}
	return s.Store.Close()
}
