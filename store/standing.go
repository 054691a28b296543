package store

import (
	"context"
	"fmt"

	"twokey/commands/approval"
)

// Standing is how things stand, in numbers: for whoever watches the bot.
type Standing struct {
	Open    map[approval.State]int // requests in each state that is not final
	Owed    int                    // messages that are not shown yet as they should be
	Failing int                    // of those, how many could not be sent when that was tried
	Records int64                  // the number of the newest audit record
	Frozen  int                    // tenants in which nothing may be changed
}

// Standing reads all of it from one state of the database.
func (s *Store) Standing(ctx context.Context) (st Standing, err error) {
	err = s.view(ctx, func(t *tx) error {
		st = Standing{Open: map[approval.State]int{}}
		for _, state := range approval.OpenStates() {
			st.Open[state] = 0
		}
		err := t.count(st.Open)
		if err != nil {
			return err
		}
		err = t.q.QueryRowContext(t.ctx, `SELECT (SELECT COUNT(*) FROM outbox WHERE shown < wanted AND due < ?), (SELECT COUNT(*) FROM outbox WHERE shown < wanted AND due < ? AND tries > 0),
			(SELECT COALESCE(MAX(number), 0) FROM audit), (SELECT COUNT(*) FROM frozen)`, never, never).Scan(&st.Owed, &st.Failing, &st.Records, &st.Frozen)
		return err
	})
	if err != nil {
		return st, fmt.Errorf("count what is stored: %w", err)
	}
	return st, nil
}

// count counts requests by their state, of those that are asked for.
func (t *tx) count(open map[approval.State]int) error {
	rows, err := t.q.QueryContext(t.ctx, "SELECT state, COUNT(*) FROM request GROUP BY state")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var state approval.State
		n := 0
		if err := rows.Scan(&state, &n); err != nil {
			return err
		}
		if _, asked := open[state]; asked {
			open[state] = n
		}
	}
	return rows.Err()
}
