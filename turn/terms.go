package turn

import "github.com/sightline-rtc/sightline/protocol"

// Assign says whose a grant is, which usage tells on, and how many kilobits of payload a second its allocations carry
// together in each direction; 0 means that there is no bound. It holds at once for allocations that live. It is for grants
// that Grant has made, and changes nothing of others.
func (s *Server) Assign(id protocol.GrantID, project protocol.ProjectID, maxKbps int) {
	s.grants.assign(id, project, maxKbps)
}

// EndStrays ends the project's grants that Lookup found, not Grant: nobody else knows that they are used. What is looked up
// later is for Lookup to refuse.
func (s *Server) EndStrays(project protocol.ProjectID) { s.endAll(s.grants.endStrays(project)) }

func (g *grants) assign(id protocol.GrantID, project protocol.ProjectID, maxKbps int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if entry := g.known[id]; entry != nil && !entry.ended {
		entry.project = project
		entry.cap.set(maxKbps)
	}
}

// terms returns whose a grant is and its cap, nil for an unknown one.
func (g *grants) terms(id protocol.GrantID) (protocol.ProjectID, *rateCap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry := g.known[id]
	if entry == nil {
		return "", nil
	}
	return entry.project, entry.cap
}

// endStrays returns the relays of the grants that it forgets.
func (g *grants) endStrays(project protocol.ProjectID) []*relay {
	g.mu.Lock()
	defer g.mu.Unlock()
	var ending []*relay
	for id, entry := range g.known {
		if !entry.ended && !entry.forget.IsZero() && entry.project == project {
			ending = append(ending, entry.end(entry.forget)...)
			delete(g.known, id)
		}
	}
	return ending
}

// relays returns how many allocations live.
func (g *grants) relays() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, entry := range g.known {
		n += len(entry.relays)
	}
	return n
}
