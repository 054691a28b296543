package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Names of the rows that are no department of the directory.
const (
	NoDepartment       = "no department"
	SmallerDepartments = "smaller departments"
)

// smallest is the least number of people that a row of its own may stand for:
// below it a figure is about persons.
const smallest = 5

// A Department is one row of the registrations by department.
type Department struct {
	Name       string
	Registered Figure // its Of is the people in scope
}

// departments counts by department, by name, with the people without one and
// the merged small ones last. Names that differ in blanks alone are one.
func departments(asOf time.Time, people []Person) []Department {
	byName := make(map[string][]Person)
	for _, p := range people {
		name := strings.Join(strings.Fields(p.Department), " ")
		byName[name] = append(byName[name], p)
	}
	var rows []Department
	for _, name := range kept(byName) {
		rows = append(rows, department(cmp.Or(name, NoDepartment), asOf, byName[name]))
		delete(byName, name)
	}
	var rest []Person
	for _, p := range people {
		if _, small := byName[strings.Join(strings.Fields(p.Department), " ")]; small {
			rest = append(rest, p)
		}
	}
	if len(rest) > 0 {
		rows = append(rows, department(SmallerDepartments, asOf, rest))
	}
	return rows
}

func department(name string, asOf time.Time, people []Person) Department {
	return Department{name, tally(Registered, asOf, people, func(p Person) Answer { return p.Registered }, whyRegistered)}
}

// kept returns the names that get a row of their own, "" for none last. The
// others make one row, and that must not be small either: else it could be
// told from the total, so the least of the kept joins them.
func kept(byName map[string][]Person) []string {
	names := make([]string, 0, len(byName))
	rest := 0
	for name, people := range byName {
		if len(people) < smallest {
			rest += len(people)
			continue
		}
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(byName[b]), len(byName[a])), strings.Compare(a, b))
	})
	if last := len(names) - 1; rest > 0 && rest < smallest && last >= 0 {
		names = names[:last]
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == "") != (b == "") {
			return cmp.Compare(len(b), len(a)) // the empty name last
		}
		return strings.Compare(a, b)
	})
	return names
}
