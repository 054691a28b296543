package msgraph

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/graph"
)

// EmailAppUse reads GET /reports/getEmailAppUsageUserDetail.
func (c *Client) EmailAppUse(ctx context.Context, period graph.EmailAppPeriod) (graph.EmailAppUse, error) {
	report, err := readUsage(ctx, c, readEmailAppUse, "getEmailAppUsageUserDetail", period, toEmailAppRow)
	if err != nil {
		return graph.EmailAppUse{}, err
	}
	return graph.EmailAppUse{
		Period: period, Refreshed: report.refreshed, Rows: report.rows,
		Concealed: slices.ContainsFunc(report.rows, looksConcealed),
	}, nil
}

// looksConcealed reports whether a hash stands for the name: a UPN is an
// address. The tenant's setting would not tell, because files follow it late.
func looksConcealed(row graph.EmailAppRow) bool { return !strings.Contains(row.UPN, "@") }

// OutlookVersions reads GET /reports/getEmailAppUsageVersionsUserCounts.
func (c *Client) OutlookVersions(ctx context.Context, period graph.EmailAppPeriod) (graph.OutlookVersions, error) {
	report, err := readUsage(ctx, c, readOutlookVersions, "getEmailAppUsageVersionsUserCounts", period, toVersions)
	if err != nil {
		return graph.OutlookVersions{}, err
	}
	if len(report.rows) != 1 {
		err := fmt.Errorf("want one line, got %d", len(report.rows))
		return graph.OutlookVersions{}, &graph.Error{Kind: graph.KindUnclear, Op: readOutlookVersions.name, Status: http.StatusOK, Err: err}
	}
	return graph.OutlookVersions{Refreshed: report.refreshed, Users: report.rows[0]}, nil
}

// NamesConcealed reads GET /admin/reportSettings.
func (c *Client) NamesConcealed(ctx context.Context) (bool, error) {
	return getOne(ctx, c, readReportSettings, c.url("/admin/reportSettings", nil), func(d *decoder, concealed *bool) (keep bool, _ error) {
		said := false
		err := d.object(func(name []byte) (err error) {
			if string(name) != "displayConcealedNames" {
				return d.Skip()
			}
			said, err = d.flag(concealed)
			return err
		})
		if err != nil {
			return false, err
		}
		return true, missing(told{"displayConcealedNames", said})
	})
}

// A usage is one usage report.
type usage[R any] struct {
	refreshed time.Time // the day of its lines, midnight UTC; zero without any
	rows      []R
}

// readUsage asks for a report. Graph answers by the address of a file, which
// the pipeline fetches.
func readUsage[R any](ctx context.Context, c *Client, op operation, report string, period graph.EmailAppPeriod, convert func(line) (R, error)) (usage[R], error) {
	if !slices.Contains([]graph.EmailAppPeriod{graph.Days7, graph.Days30, graph.Days90, graph.Days180}, period) {
		return usage[R]{}, &graph.Error{Kind: graph.KindNotSent, Op: op.name, Err: errors.New("no period of the report")}
	}
	address := c.url(fmt.Sprintf("/reports/%s(period='D%d')", report, period), nil)
	return read(ctx, c, op, func(ctx context.Context) (u usage[R], _ error) {
		err := c.get(ctx, address, http.Header{"Accept": {"application/octet-stream, text/csv"}}, func(file []byte) error {
			return u.parse(file, convert)
		})
		return u, err
	})
}

// parse reads the file by the names of its columns: their places differ from
// report to report, and change.
func (u *usage[R]) parse(file []byte, convert func(line) (R, error)) error {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	header, err := r.Read()
	if err != nil {
		return errors.New("report without a header")
	}
	r.ReuseRecord = true
	u.rows = []R{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.New("report is no table") // the cause may quote a name
		}
		l := line{header, cells}
		if u.refreshed, err = l.day(refreshDate); err != nil {
			return err
		}
		row, err := convert(l)
		if err != nil {
			return err
		}
		u.rows = append(u.rows, row)
	}
}

// Columns of the reports that are no figure.
const (
	refreshDate  = "Report Refresh Date"
	reportPeriod = "Report Period"
)

// A line is a line of a report, as long as its header.
type line struct{ header, cells []string }

// cell returns what stands in a column, which has to be there.
func (l line) cell(column string) (string, error) {
	i := slices.Index(l.header, column)
	if i < 0 {
		return "", errMissing("column " + column)
	}
	return l.cells[i], nil
}

// day reads a column that has to hold a day.
func (l line) day(column string) (time.Time, error) {
	cell, err := l.cell(column)
	if err != nil {
		return time.Time{}, err
	}
	day, err := time.Parse(time.DateOnly, cell)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is no day", column)
	}
	return day, nil
}

// dayOrNone reads a column that may be empty.
func (l line) dayOrNone(column string) (time.Time, error) {
	if cell, err := l.cell(column); err != nil || cell == "" {
		return time.Time{}, err
	}
	return l.day(column)
}

// yes reads a column that holds one of two words.
func (l line) yes(column, yes, no string) (bool, error) {
	cell, err := l.cell(column)
	switch {
	case err != nil:
		return false, err
	case strings.EqualFold(cell, yes):
		return true, nil
	case strings.EqualFold(cell, no):
		return false, nil
	default:
		return false, fmt.Errorf("%s says neither %s nor %s", column, yes, no)
	}
}

// emailPrograms are the columns that are programs.
var emailPrograms = []graph.EmailProgram{
	graph.MailForMac, graph.OutlookForMac, graph.OutlookForWindows, graph.OutlookForMobile, graph.OtherForMobile, graph.OutlookForWeb,
	graph.ProgramPOP3, graph.ProgramIMAP4, graph.ProgramSMTP,
}

func toEmailAppRow(l line) (graph.EmailAppRow, error) {
	upn, noUPN := l.cell("User Principal Name")
	name, noName := l.cell("Display Name")
	deleted, noDeleted := l.yes("Is Deleted", "True", "False")
	last, noLast := l.dayOrNone("Last Activity Date")
	if err := errors.Join(noUPN, noName, noDeleted, noLast, missing(told{"User Principal Name", upn != ""})); err != nil {
		return graph.EmailAppRow{}, err
	}
	row := graph.EmailAppRow{UPN: upn, Name: name, Deleted: deleted, Last: last}
	for _, p := range emailPrograms {
		used, err := l.used(p, last)
		if err != nil {
			return graph.EmailAppRow{}, err
		}
		if used {
			row.Programs = append(row.Programs, p)
		}
	}
	return row, nil
}

// used reports whether a mailbox was used with a program. The cell may be empty
// where there was no activity at all.
func (l line) used(p graph.EmailProgram, last time.Time) (bool, error) {
	if cell, err := l.cell(string(p)); err == nil && cell == "" && last.IsZero() {
		return false, nil
	}
	return l.yes(string(p), "Yes", "No")
}

func toVersions(l line) (map[string]int, error) {
	users := map[string]int{}
	for i, column := range l.header {
		if column == refreshDate || column == reportPeriod {
			continue
		}
		n, err := strconv.Atoi(l.cells[i])
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%s is no count", column)
		}
		users[column] = n
	}
	return users, nil
}
