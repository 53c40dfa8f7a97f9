package media

import "math"

// The filter of the resampler: a sinc in a Kaiser window that lets pass up to 3 kHz at 8 kHz and holds back what is over 4
// kHz by 70 dB, since it would come out as another tone.
const (
	// filterReach is the filter's length to either side, in samples of the lower rate; filterCut is where it halves, as a
	// part of that rate; filterShape is the window's beta.
	filterReach = 16
	filterCut   = 3500.0 / 8000
	filterShape = 6.76
	// maxPhases bounds the table: rates without a common factor are rounded to the nearest of so many.
	maxPhases = 512
)

// resampler makes sound of one rate of that of another. It is not safe for concurrent use.
type resampler struct {
	// in and out are the rates without their common factor.
	in, out int
	half    int
	phases  int
	// kernel has the filter for each phase between two samples, both ends included.
	kernel [][]float32
	// held are the samples that are still needed; the next output lies at frac/out after held[pos].
	held      []float32
	pos, frac int
}

// newResampler makes a resampler; the rates are over 0.
func newResampler(in, out int) *resampler {
	common := gcd(in, out)
	in, out = in/common, out/common
	r := &resampler{in: in, out: out, phases: min(out, maxPhases)}
	scale := math.Min(1, float64(out)/float64(in))
	r.half = int(math.Ceil(filterReach / scale))
	for phase := range r.phases + 1 {
		r.kernel = append(r.kernel, filter(r.half, float64(phase)/float64(r.phases), scale))
	}
	r.reset()
	return r
}

// reset forgets the past: what comes next follows silence.
func (r *resampler) reset() {
	r.held = make([]float32, r.half-1)
	r.pos, r.frac = r.half-1, 0
}

// write takes samples and adds those of the other rate to to. The first of these lies on the first that was written.
func (r *resampler) write(to, samples []float32) []float32 {
	r.held = append(r.held, samples...)
	for r.pos+r.half < len(r.held) {
		kernel := r.kernel[(r.frac*r.phases+r.out/2)/r.out]
		var sum float32
		for i, v := range r.held[r.pos-r.half+1 : r.pos+r.half+1] {
			sum += v * kernel[i]
		}
		to = append(to, sum)
		r.frac += r.in
		r.pos += r.frac / r.out
		r.frac %= r.out
	}
	if done := min(r.pos-r.half+1, len(r.held)); done > 0 {
		r.held = r.held[:copy(r.held, r.held[done:])]
		r.pos -= done
	}
	return to
}

// filter returns the weights of 2*half samples around a point that lies the given part of a sample after the middle one.
func filter(half int, shift, scale float64) []float32 {
	weights := make([]float64, 2*half)
	sum := 0.0
	for i := range weights {
		t := float64(i-half+1) - shift
		cut := 2 * filterCut * scale
		weights[i] = sinc(cut*t) * bessel(filterShape*math.Sqrt(math.Max(0, 1-t*t/float64(half*half))))
		sum += weights[i]
	}
	out := make([]float32, len(weights))
	for i, w := range weights {
		out[i] = float32(w / sum)
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel is the modified Bessel function of the first kind, of order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-9; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
