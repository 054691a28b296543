package simtenant

import "math"

// curve is how lateness is spread over a large number of people: for each value
// the share of them that comes before it.
type curve struct {
	shares []float64
}

// The curve is kept at so many points between these bounds.
const (
	curvePoints = 4096
	curveFrom   = -6.0
	curveTo     = 6.0
)

func newCurve() curve {
	c := curve{make([]float64, curvePoints+1)}
	sum := 0.0
	for _, d := range departments {
		sum += d.share
	}
	for k := range c.shares {
		x := curveFrom + (curveTo-curveFrom)*float64(k)/curvePoints
		for _, d := range departments {
			// Lateness is a normal deviate less the pace of the department.
			c.shares[k] += d.share / sum * 0.5 * math.Erfc(-(x+d.value.pace)/math.Sqrt2)
		}
	}
	return c
}

func (c curve) share(lateness float64) float64 {
	at := (lateness - curveFrom) / (curveTo - curveFrom) * curvePoints
	at = min(max(at, 0), curvePoints-1e-9)
	k := int(at)
	return c.shares[k] + (c.shares[k+1]-c.shares[k])*(at-float64(k))
}
