package phrases

import (
	"fmt"
	"time"
)

// days and months are their names by language, Sunday and January first.
var (
	days = map[Language][7]string{
		Spanish:    {"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
		French:     {"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
		German:     {"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
		Portuguese: {"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"},
		Vietnamese: {"Chủ Nhật", "thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy"},
	}
	months = map[Language][12]string{
		Spanish:    {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
		French:     {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
		German:     {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
		Portuguese: {"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"},
	}
)

// Day returns a day in words, as it is in t's zone: "Monday 30 November 2026".
func (v Voice) Day(t time.Time) string {
	l := v.Language()
	if l == English {
		return t.Format("Monday 2 January 2006")
	}
	weekday, day, month, year := days[l][t.Weekday()], t.Day(), "", t.Year()
	if names, ok := months[l]; ok {
		month = names[t.Month()-1]
	}
	switch l {
	case German:
		return fmt.Sprintf("%s, %d. %s %d", weekday, day, month, year)
	case French:
		if day == 1 {
			return fmt.Sprintf("%s 1er %s %d", weekday, month, year)
		}
		return fmt.Sprintf("%s %d %s %d", weekday, day, month, year)
	case Vietnamese:
		return fmt.Sprintf("%s, ngày %d tháng %d năm %d", weekday, day, int(t.Month()), year)
	default:
		return fmt.Sprintf("%s, %d de %s de %d", weekday, day, month, year)
	}
}
