package manifest

// mountOf reads what s mounts.
func (r *reader) mountOf(s *service, out *Service) {}
