package main

// A point is a moment in the life of a target.
type point struct {
	Seconds    float64 `json:"seconds"` // that all instances have run until then
	Executions int64   `json:"executions"`
	Species    int     `json:"species"`
}

// maxPoints is the most points of a history.
const maxPoints = 256

// A history is species over time: at most maxPoints points, at distances that double
// whenever it is full.
type history struct {
	Every  float64 `json:"every"` // seconds between two points, at least
	Points []point `json:"points"`
}

// add adds a point, unless the last one is too near.
func (h *history) add(p point) {
	if n := len(h.Points); n > 0 && p.Seconds < h.Points[n-1].Seconds+h.Every {
		return
	}
	if len(h.Points) == maxPoints {
		for i := range maxPoints / 2 {
			h.Points[i] = h.Points[2*i+1]
		}
		h.Points = h.Points[:maxPoints/2]
		h.Every = max(2*h.Every, 1)
	}
	h.Points = append(h.Points, p)
}
