package simtenant

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
)

// stream returns the random numbers of the n-th thing of a kind. Every thing
// has numbers of its own, so that adding one kind of thing changes no other.
func stream(seed uint64, kind string, n int) *rand.Rand {
	return rand.New(rand.NewPCG(streamSeeds(seed, kind, n)))
}

func streamSeeds(seed uint64, kind string, n int) (a, b uint64) {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(kind) {
		h = (h ^ uint64(kind[i])) * 1099511628211
	}
	return mix(seed ^ h), mix(h + uint64(n))
}

// mix spreads neighbouring numbers over all bits (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// guid draws an identifier in the usual form of a random GUID.
func guid(r *rand.Rand) string {
	return formatGUID(r.Uint64(), r.Uint64())
}

func formatGUID(a, b uint64) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], a)
	binary.BigEndian.PutUint64(raw[8:], b)
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], raw[0:4])
	hex.Encode(out[9:13], raw[4:6])
	hex.Encode(out[14:18], raw[6:8])
	hex.Encode(out[19:23], raw[8:10])
	hex.Encode(out[24:36], raw[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// newID returns an identifier that no run repeats: request ids.
func newID() string { return formatGUID(rand.Uint64(), rand.Uint64()) }

// pick draws one of the values.
func pick[T any](r *rand.Rand, values []T) T { return values[r.IntN(len(values))] }

// weighted is a choice with its share; the shares of a list need no fixed sum.
type weighted[T any] struct {
	value T
	share float64
}

func pickWeighted[T any](r *rand.Rand, choices []weighted[T]) T {
	sum := 0.0
	for _, c := range choices {
		sum += c.share
	}
	at := r.Float64() * sum
	for _, c := range choices {
		if at -= c.share; at < 0 {
			return c.value
		}
	}
	return choices[len(choices)-1].value
}

// poisson draws a count with the given mean; for means below about 50.
func poisson(r *rand.Rand, mean float64) int {
	limit, product, n := math.Exp(-mean), r.Float64(), 0
	for product > limit {
		product *= r.Float64()
		n++
	}
	return n
}
