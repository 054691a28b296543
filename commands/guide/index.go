package guide

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// The weights were found on testdata/dev.jsonl and practice.jsonl; the figures
// are flat around them.
const (
	// saturation and lengthShare are BM25's k1 and b.
	saturation  = 1.2
	lengthShare = 0.6
	// What a term is worth by where it stands in a subject. Phrases that
	// people use are the measure.
	titleWeight = 2.0
	askWeight   = 1.0
	bodyWeight  = 0.3
	// pairWeight is what two neighbouring terms are worth beside each alone:
	// "new phone" says more than "new" and "phone".
	pairWeight = 0.5
	// makeWeight is what the make of a phone is worth: it chooses the variant
	// and says little about the subject.
	makeWeight = 0.4
	// unknownShare is what a word that nobody wrote before is worth beside the
	// rarest known one. It only lowers scores: the more of a question is
	// unknown, the less is understood. Less than one, as people name towns.
	unknownShare = 0.6
	// closenessShare is how much the nearest phrases count, as against the
	// subject as a whole.
	closenessShare = 0.4
	// foreignShare stands in for the whole of a foreign subject, which is one
	// phrase. Below one, so that in a tie our own subject wins.
	foreignShare = 0.7
	// oursShare is what a word that has to do with signing in is worth in a
	// foreign phrase.
	oursShare = 0.8
)

// index finds the subjects that a question may be about: BM25 over each
// subject's title, phrases and body, mixed with the likeness of the
// phrases that are nearest to the question.
type index struct {
	subjects []subject
	phrases  []phrase
	entries  map[string]int32 // by feature
	rarity   []float64        // by entry: inverse document frequency over phrases
	unknown  float64          // the rarity of a term that no phrase has
	inPhrase lists
	inWhole  lists // subjects with a body of their own
}

// phrase is one way to ask for a subject.
type phrase struct {
	subject int
	length  float64 // Euclidean, of its weighted features
}

// posting says how much a feature counts in a phrase or subject.
type posting struct {
	in     int32
	weight float32
}

// feature is a term, or two neighbouring terms, and how often it counts.
type feature struct {
	name   string
	weight float64
}

// features returns the terms and neighbouring pairs, each once and sorted:
// sums over them always run in the same order and so come out the same.
func features(terms []string) []feature {
	out := make([]feature, 0, 2*len(terms))
	for i, t := range terms {
		out = append(out, feature{t, termWeight(t)})
		if i > 0 {
			out = append(out, feature{terms[i-1] + " " + t, pairWeight * min(termWeight(terms[i-1]), termWeight(t))})
		}
	}
	slices.SortFunc(out, func(a, b feature) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(out, func(a, b feature) bool { return a.name == b.name })
}

func termWeight(term string) float64 {
	if d, ok := isDevice(term); ok && (d == IPhone || d == Android) {
		return makeWeight
	}
	return 1
}

func newIndex(w *words, subjects []subject) *index {
	x := &index{
		subjects: subjects,
		entries:  make(map[string]int32),
	}
	var asks [][]feature
	for i, s := range subjects {
		for _, a := range s.asks {
			asks = append(asks, askFeatures(w, s, a))
			x.phrases = append(x.phrases, phrase{subject: i})
		}
	}
	x.weigh(asks)
	inPhrase := make([][]posting, len(x.rarity))
	for i, fs := range asks {
		square := 0.0
		for _, f := range fs {
			at := x.entries[f.name]
			weight := f.weight * x.rarity[at]
			square += weight * weight
			inPhrase[at] = append(inPhrase[at], posting{int32(i), float32(weight)})
		}
		x.phrases[i].length = math.Sqrt(square)
	}
	x.inPhrase = pack(inPhrase)
	x.indexWhole(w)
	return x
}

// lists are the postings of all entries in one block: most are short.
type lists struct {
	start []int32 // by entry, and the end of the last
	all   []posting
}

func pack(each [][]posting) lists {
	l := lists{start: make([]int32, 0, len(each)+1), all: slices.Concat(each...)}
	next := int32(0)
	for _, ps := range each {
		l.start = append(l.start, next)
		next += int32(len(ps))
	}
	l.start = append(l.start, next)
	return l
}

func (l lists) of(entry int32) []posting { return l.all[l.start[entry]:l.start[entry+1]] }

// askFeatures returns the features of a phrase. A foreign one is known mostly
// by what is foreign in it: "reset the authenticator of my bank" is about the
// bank.
func askFeatures(w *words, s subject, ask string) []feature {
	fs := features(w.terms(ask))
	if s.expect != ExpectNone {
		return fs
	}
	for i := range fs {
		for term := range strings.FieldsSeq(fs[i].name) {
			if w.ours[term] {
				fs[i].weight *= oursShare
				break
			}
		}
	}
	return fs
}

// weigh sets how rare each feature is among the phrases.
func (x *index) weigh(asks [][]feature) {
	count := make(map[string]float64)
	for _, fs := range asks {
		for _, f := range fs {
			count[f.name]++
		}
	}
	rarity := func(n float64) float64 { return math.Log(1 + (float64(len(asks))-n+0.5)/(n+0.5)) }
	for _, name := range slices.Sorted(maps.Keys(count)) {
		x.entries[name] = int32(len(x.rarity))
		x.rarity = append(x.rarity, rarity(count[name]))
	}
	x.unknown = unknownShare * rarity(0)
}

// indexWhole sets BM25's weights for every subject that is more than one
// phrase.
func (x *index) indexWhole(w *words) {
	whole := make([][]feature, len(x.subjects))
	lengths := make([]float64, len(x.subjects))
	total, n := 0.0, 0.0
	for i, s := range x.subjects {
		if s.expect == ExpectNone {
			continue
		}
		whole[i] = wholeFeatures(w, s)
		for _, f := range whole[i] {
			lengths[i] += f.weight
		}
		total, n = total+lengths[i], n+1
	}
	inWhole := make([][]posting, len(x.rarity))
	for i, fs := range whole {
		norm := saturation * (1 - lengthShare + lengthShare*lengths[i]*n/total)
		for _, f := range fs {
			if at, ok := x.entries[f.name]; ok { // what no phrase has is not weighed
				inWhole[at] = append(inWhole[at], posting{int32(i), float32(x.rarity[at] * f.weight / (f.weight + norm))})
			}
		}
	}
	x.inWhole = pack(inWhole)
}

func wholeFeatures(w *words, s subject) []feature {
	weight := make(map[string]float64)
	add := func(text string, field float64) {
		for _, f := range features(w.terms(text)) {
			weight[f.name] += field * f.weight
		}
	}
	add(s.title, titleWeight)
	add(s.body, bodyWeight)
	for _, a := range s.asks {
		add(a, askWeight)
	}
	out := make([]feature, 0, len(weight))
	for name, v := range weight {
		out = append(out, feature{name, v})
	}
	slices.SortFunc(out, func(a, b feature) int { return cmp.Compare(a.name, b.name) })
	return out
}

// hit is a subject that a question may be about.
type hit struct {
	subject *subject
	score   float64 // 0 to 1
	judged  float64 // the same with what was learned, before it is put in balance
	nearest float64 // likeness of the nearest phrase, 0 to 1
}

// search returns every subject with its score, best first.
func (x *index) search(terms []string) []hit {
	likeness := make([]float64, len(x.phrases))
	whole := make([]float64, len(x.subjects))
	square, most := 0.0, 0.0
	for _, f := range features(terms) {
		at, known := x.entries[f.name]
		if !known && strings.Contains(f.name, " ") {
			continue // a pair that nobody wrote before says nothing
		}
		rarity := x.unknown
		if known {
			rarity = x.rarity[at]
		}
		weight := f.weight * rarity
		square += weight * weight
		most += weight
		if !known {
			continue
		}
		for _, p := range x.inPhrase.of(at) {
			likeness[p.in] += weight * float64(p.weight)
		}
		for _, p := range x.inWhole.of(at) {
			whole[p.in] += f.weight * float64(p.weight)
		}
	}
	near := make([]nearest, len(x.subjects))
	for i, p := range x.phrases {
		if likeness[i] > 0 {
			near[p.subject].add(likeness[i] / (math.Sqrt(square) * p.length))
		}
	}
	return x.rank(near, whole, most)
}

// nearest is the likenesses of the phrases of a subject that are most like
// the question, most first.
type nearest [3]float64

func (n *nearest) add(likeness float64) {
	for i := range n {
		if likeness > n[i] {
			likeness, n[i] = n[i], likeness
		}
	}
}

// closeness counts the first for half and all of them for the other half: one
// phrase may be like the question by chance.
func (n *nearest) closeness() float64 {
	sum := 0.0
	for _, v := range n {
		sum += v
	}
	return (n[0] + sum/float64(len(n))) / 2
}

// rank mixes the two measures. most is what a subject would score as a whole
// if every word of the question were typical of it.
func (x *index) rank(near []nearest, whole []float64, most float64) []hit {
	hits := make([]hit, len(x.subjects))
	for i := range x.subjects {
		s := &x.subjects[i]
		score := foreignShare * near[i][0]
		if s.expect != ExpectNone && most > 0 {
			score = closenessShare*near[i].closeness() + (1-closenessShare)*whole[i]/most
		}
		hits[i] = hit{subject: s, score: score, nearest: near[i][0]}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	return hits
}
