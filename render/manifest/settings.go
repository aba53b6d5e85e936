package manifest

// settingsOf reads docker.configuration.
func (r *reader) settingsOf(d *document, app *Application) {}
