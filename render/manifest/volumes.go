package manifest

// mountOf reads what s mounts.
func (r *reader) mountOf(s *service, out *Service) {}

// storageOf reads isolation, the config store and secret files.
func (r *reader) storageOf(d *document, app *Application) {}
