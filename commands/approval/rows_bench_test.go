package approval_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"twokey/store/pgtest"
)

// BenchmarkRows sets the rows alone of asking and approving beside the floor of
// BenchmarkRoundTrip: the database stores them from copies that it holds itself,
// those of sixteen requests at once, with one commit for what asking writes and one
// for what approving does. Nothing is read, checked, worded or hashed meanwhile.
// What is x_floor here is more than any program has that keeps these rows so.
func BenchmarkRows(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		dsn := filepath.Join(b.TempDir(), "twokey.db")
		fill(b, dsn)
		plain := plainSQLite(b, dsn)
		storeRows(b, plain, "VACUUM", func(ctx context.Context, statements []string, batch int) error {
			tx, err := plain.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			for _, statement := range statements {
				if _, err := tx.ExecContext(ctx, statement, batch); err != nil {
					return fmt.Errorf("%s: %w: %w", statement, err, tx.Rollback())
				}
			}
			return tx.Commit()
		})
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		dsn := pgtest.Server(b).Database(b)
		fill(b, dsn)
		conn, err := pgx.Connect(b.Context(), dsn)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close(context.Background())
		storeRows(b, plainPostgreSQL(b, dsn), "VACUUM ANALYZE", func(ctx context.Context, statements []string, batch int) error {
			all := &pgx.Batch{} // they wait for no answer
			all.Queue("BEGIN")
			for _, statement := range statements {
				all.Queue(statement, batch)
			}
			all.Queue("COMMIT")
			return conn.SendBatch(ctx, all).Close()
		})
	})
}

// sixteens is how many times sixteen requests there are to copy from.
const sixteens = 64

// fill leaves the rows of requests that were asked and approved.
func fill(b *testing.B, dsn string) {
	b.Helper()
	engine := newTrips(b, dsn)
	for range sixteens / 4 {
		crowd(b, 4*atOnce, engine.trip)
		engine.finish(b)
	}
}

// rowsOf says which rows of a table a request has, and in which order.
var rowsOf = []struct{ table, join, order string }{
	{"outbox", "t.topic = r.id", "t.id"},
	{"decision", "t.request = r.id", "t.number"},
	{"audit", "t.request = r.ref", "t.number"},
	{"aside", "t.request = r.ref", "t.mark"},
}

// storeRows measures. Commit runs statements about the batch-th sixteen, and
// commits.
func storeRows(b *testing.B, db *sql.DB, tidy string, commit func(ctx context.Context, statements []string, batch int) error) {
	b.Helper()
	exec := func(format string, args ...any) {
		b.Helper()
		if _, err := db.ExecContext(b.Context(), fmt.Sprintf(format, args...)); err != nil {
			b.Fatal(err)
		}
	}
	exec("CREATE TABLE copy_request AS SELECT r.*, (row_number() OVER (ORDER BY r.created, r.id) - 1) / %d AS batch, 1 AS nth FROM request r", atOnce)
	exec("CREATE TABLE copy_alias AS SELECT a.*, (row_number() OVER (ORDER BY a.first_seen, a.object) - 1) / %d AS batch, 1 AS nth FROM alias a", atOnce)
	for _, of := range rowsOf {
		exec("CREATE TABLE copy_%s AS SELECT t.*, r.batch, row_number() OVER (PARTITION BY r.id ORDER BY %s) AS nth FROM %[1]s t JOIN copy_request r ON %[3]s", of.table, of.order, of.join)
	}
	exec("UPDATE copy_request SET state = 'pending', version = 1, not_before = NULL, start_by = NULL")
	insert := map[string]string{}
	for _, table := range []string{"aside", "audit", "decision", "outbox", "alias", "request"} {
		exec("CREATE INDEX copied_%s ON copy_%[1]s (batch)", table)
		exec("DELETE FROM %s", table)
		columns := strings.Join(columnsOf(b, db, table), ", ")
		insert[table] = fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM copy_%[1]s WHERE batch = $1", table, columns)
	}
	exec("%s", tidy)
	const one, two = " AND nth = 1", " AND nth = 2"
	ask := []string{insert["request"], insert["outbox"], insert["alias"], insert["audit"] + one, insert["aside"] + one}
	approve := []string{
		insert["decision"], insert["audit"] + two, insert["aside"] + two,
		"UPDATE request SET state = 'approved', version = 2, not_before = created, start_by = created WHERE id IN (SELECT id FROM copy_request WHERE batch = $1)",
		"UPDATE outbox SET wanted = wanted + 1, due = 0, tries = 0 WHERE topic IN (SELECT id FROM copy_request WHERE batch = $1)",
	}
	insertOne := twoRows(b, db)
	for range 10 { // its connections are open, and its statement is prepared
		crowd(b, 4*atOnce, insertOne)
	}
	var rows, floor time.Duration
	batch := 0
	for b.Loop() {
		if batch == sixteens {
			b.Fatalf("there are %d times sixteen requests only", sixteens)
		}
		floor += crowd(b, 4*atOnce, insertOne) / 4
		began := time.Now()
		for _, statements := range [][]string{ask, approve} {
			if err := commit(b.Context(), statements, batch); err != nil {
				b.Fatal(err)
			}
		}
		rows += time.Since(began)
		batch++
	}
	report(b, batch*atOnce, rows, floor)
}

func columnsOf(b *testing.B, db *sql.DB, table string) []string {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil || rows.Err() != nil {
		b.Fatal(err, rows.Err())
	}
	return columns
}
