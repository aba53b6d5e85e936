package manifest

// podOf reads what s says about its workload and Pods.
func (r *reader) podOf(s *service, out *Service) {}
