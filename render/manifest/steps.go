package manifest

// stepsOf reads the commands of s.
func (r *reader) stepsOf(s *service, out *Service) {}

// commandsOf reads the jobs, hooks and processes of the application. Its
// services are known by now.
func (r *reader) commandsOf(d *document, app *Application) {}
