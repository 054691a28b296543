package guide

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// What the learning is done with. The figures are flat around these values.
const (
	rounds   = 8    // over all phrases
	stepSize = 0.5  // of AdaGrad
	decay    = 1e-4 // pulls weights to zero
	ignored  = 1e-2 // an error of a class that is too small to learn from
	gramSize = 4    // letters of a piece of text

	// What counts beside a term: two neighbouring ones, a word as it was typed,
	// two of those, and a piece of the text.
	pairShare, rawShare, rawPairShare, gramShare = 0.4, 0.3, 0.2, 0.3
)

// learned tells classes of subjects apart by multinomial logistic regression over
// terms, neighbouring terms and pieces of the text as it was typed. Phrases say
// which words are typical of a subject; the learning finds out which tell it
// from its neighbours. Pieces of text forgive spelling, compounds and words
// that nobody wrote before. It is trained from the phrases when it is first
// asked: the same phrases always give the same weights.
type learned struct {
	classes  []string
	features map[string]int32
	rarity   []float32 // by feature
	weights  []int8    // by feature, then by class, in units of unit
	unit     float32
}

// lessons are what is learned from the phrases.
type lessons struct {
	subjects *learned // which subject a question is about
	frames   *learned // what it should get, by how it is put
}

// example is what a text consists of, and the class that it belongs to.
type example struct {
	shares []feature
	class  string
}

// shares returns what a text consists of, sorted by name.
func shares(text string, terms []string) []feature {
	m := make(map[string]float64)
	for i, t := range terms {
		m[t] = 1
		if i > 0 {
			m[terms[i-1]+" "+t] = pairShare
		}
	}
	raw := tokens(text) // "how" and "please" say what is wanted, though not about what
	for i, t := range raw {
		m["~"+t] = rawShare
		if i > 0 {
			m["~"+raw[i-1]+" "+t] = rawPairShare
		}
	}
	plain := []rune(" " + strings.Join(raw, " ") + " ")
	for i := range len(plain) - gramSize + 1 {
		m["#"+string(plain[i:i+gramSize])] = gramShare
	}
	out := make([]feature, 0, len(m))
	for name, w := range m {
		out = append(out, feature{name, w})
	}
	slices.SortFunc(out, func(a, b feature) int { return cmp.Compare(a.name, b.name) })
	return out
}

type sparse struct {
	at     []int32
	weight []float32
}

func learn(examples []example) *learned {
	l := &learned{features: make(map[string]int32)}
	texts := make([][]feature, len(examples))
	count := make(map[string]int)
	number := make(map[string]int)
	for i, e := range examples {
		texts[i] = e.shares
		for _, f := range texts[i] {
			count[f.name]++
		}
		if _, ok := number[e.class]; !ok {
			number[e.class] = len(l.classes)
			l.classes = append(l.classes, e.class)
		}
	}
	for _, fs := range texts { // what stands in one phrase alone tells nothing about others
		for _, f := range fs {
			if _, ok := l.features[f.name]; ok || count[f.name] < 2 {
				continue
			}
			l.features[f.name] = int32(len(l.rarity))
			l.rarity = append(l.rarity, float32(math.Log(1+float64(len(examples))/float64(count[f.name]))))
		}
	}
	vectors := make([]sparse, len(examples))
	for i := range texts {
		vectors[i] = l.vector(texts[i])
	}
	l.keep(l.train(examples, vectors, number))
	return l
}

// keep stores the weights in a quarter of the room that they were learned in.
func (l *learned) keep(weights []float32) {
	most := float32(0)
	for _, w := range weights {
		most = max(most, w, -w)
	}
	l.unit = max(most, 1e-6) / math.MaxInt8
	l.weights = make([]int8, len(weights))
	for i, w := range weights {
		l.weights[i] = int8(math.Round(float64(w / l.unit)))
	}
}

// vector returns the features that are known, as a vector of length 1.
func (l *learned) vector(fs []feature) sparse {
	var v sparse
	square := 0.0
	for _, f := range fs {
		at, ok := l.features[f.name]
		if !ok {
			continue
		}
		w := float32(f.weight) * l.rarity[at]
		v.at, v.weight = append(v.at, at), append(v.weight, w)
		square += float64(w) * float64(w)
	}
	for i := range v.weight {
		v.weight[i] /= float32(math.Sqrt(square))
	}
	return v
}

func (l *learned) train(examples []example, vectors []sparse, number map[string]int) []float32 {
	n := len(l.classes)
	weights := make([]float32, len(l.rarity)*n)
	squares := make([]float32, len(weights))
	p := make([]float32, n)
	order := make([]int, len(examples))
	for i := range order {
		order[i] = i
	}
	chance := uint32(1) // a fixed sequence: the result must not change from start to start
	for range rounds {
		for i := len(order) - 1; i > 0; i-- {
			chance = chance*1664525 + 1013904223
			j := int(chance>>8) % (i + 1)
			order[i], order[j] = order[j], order[i]
		}
		for _, i := range order {
			clear(p)
			for k, at := range vectors[i].at {
				row, x := weights[int(at)*n:int(at)*n+n], vectors[i].weight[k]
				for c := range p {
					p[c] += x * row[c]
				}
			}
			normalise(p)
			p[number[examples[i].class]]--
			for c, wrong := range p {
				if wrong < ignored && wrong > -ignored {
					continue
				}
				for k, at := range vectors[i].at {
					w := int(at)*n + c
					g := wrong*vectors[i].weight[k] + decay*weights[w]
					squares[w] += g * g
					weights[w] -= stepSize * g / (float32(math.Sqrt(float64(squares[w]))) + 1e-3)
				}
			}
		}
	}
	return weights
}

// chances returns how likely each class is for a text.
func (l *learned) chances(text []feature) map[string]float64 {
	p := make([]float32, len(l.classes))
	l.probabilities(l.vector(text), p)
	out := make(map[string]float64, len(p))
	for c, chance := range p {
		out[l.classes[c]] = float64(chance)
	}
	return out
}

// probabilities sets how likely each class is; p comes as zeros.
func (l *learned) probabilities(v sparse, p []float32) {
	n := len(l.classes)
	for k, at := range v.at {
		row := l.weights[int(at)*n : int(at)*n+n]
		x := v.weight[k] * l.unit
		for c := range p {
			p[c] += x * float32(row[c])
		}
	}
	normalise(p)
}

// normalise makes probabilities of scores.
func normalise(p []float32) {
	most, sum := slices.Max(p), float32(0)
	for c := range p {
		p[c] = float32(math.Exp(float64(p[c] - most)))
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
}

// examples are all that is known of how people ask. The class of what is none
// of ours has no name.
func examples(w *words, subjects []subject) []example {
	var out []example
	add := func(s subject, text string) { out = append(out, example{shares(text, w.terms(text)), s.id}) }
	for _, s := range subjects {
		for _, ask := range s.asks {
			add(s, ask)
		}
		if s.title != "" {
			add(s, s.title)
		}
	}
	return out
}
