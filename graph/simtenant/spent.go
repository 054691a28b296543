package simtenant

import "sync"

// spent are the passes that were used, of those that are good once.
type spent struct {
	mu  sync.Mutex
	ids map[string]bool
}

// first reports whether a pass was not used before, and notes that it is now.
func (s *spent) first(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string]bool{}
	}
	was := s.ids[id]
	s.ids[id] = true
	return !was
}
