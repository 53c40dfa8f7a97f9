package peer

// heavyLosses finds out whether great losses come of too many packets.
type heavyLosses struct {
	// sent and loss are what they began with; 0 while there are none.
	sent, loss float64
	// innate is what the path loses however little is sent.
	innate float64
}

// found reports whether too much is sent, from the losses of late and how sure they are.
func (h *heavyLosses) found(loss, doubt, sent float64) bool {
	h.innate = min(h.innate, loss)
	if loss-doubt <= heavyLoss+h.innate {
		h.sent, h.loss = 0, 0
		return false
	}
	if h.sent == 0 {
		h.sent, h.loss = sent, loss
	}
	if sent < h.sent/2 && loss > 0.8*h.loss {
		h.innate = loss
		return false
	}
	return true
}
