package simtenant

import (
	"strconv"
	"strings"
)

// id disguises an index as a GUID whose last twelve digits lead back to it.
func (d *drawn) id(i int) string {
	x := d.disguise(uint64(i))
	return formatGUID(mix(d.world.seed^x), mix(d.world.seed+x)&^idMask|x)
}

// idMask covers the part of an id that stands for the index.
const idMask = 1<<48 - 1

// disguise and reveal are a Feistel network over 48 bits and its inverse.
func (d *drawn) disguise(x uint64) uint64 {
	left, right := x>>24, x&halfMask
	for k := range uint64(feistelRounds) {
		left, right = right, left^d.round(k, right)
	}
	return left<<24 | right
}

func (d *drawn) reveal(x uint64) uint64 {
	left, right := x>>24, x&halfMask
	for k := uint64(feistelRounds); k > 0; k-- {
		left, right = right^d.round(k-1, left), left
	}
	return left<<24 | right
}

const (
	halfMask      = 1<<24 - 1
	feistelRounds = 4
)

func (d *drawn) round(k, half uint64) uint64 { return mix(d.world.seed+k<<32^half) & halfMask }

func (d *drawn) byID(id string) (int, bool) {
	if i, ok := d.special.byID(id); ok {
		return i, true
	}
	if len(id) != 36 {
		return 0, false
	}
	x, err := strconv.ParseUint(id[24:], 16, 48)
	if err != nil {
		return 0, false
	}
	i := d.reveal(x)
	if i < uint64(d.special.size()) || i >= uint64(d.size()) || d.id(int(i)) != id {
		return 0, false
	}
	return int(i), true
}

func (d *drawn) byName(upn string) (int, bool) {
	if i, ok := d.special.byName(upn); ok {
		return i, true
	}
	return d.named(upn, func(a *account) string { return a.upn })
}

func (d *drawn) byMail(address string) (int, bool) {
	if i, ok := d.special.byMail(address); ok {
		return i, true
	}
	return d.named(address, func(a *account) string { return a.mail })
}

// named finds the account whose number stands at the end of a local part:
// before the @ of a member, before the home domain of a guest.
func (d *drawn) named(name string, of func(*account) string) (int, bool) {
	local, _, _ := strings.Cut(name, "@")
	local, _, _ = strings.Cut(local, "_")
	digits := local[len(strings.TrimRight(local, "0123456789")):]
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, false
	}
	// Guests are numbered by themselves, from 1 on.
	for _, i := range []int{n, d.firstGuest() + n - 1} {
		if i >= d.special.size() && i < d.size() && strings.ToLower(of(d.account(i))) == name {
			return i, true
		}
	}
	return 0, false
}
