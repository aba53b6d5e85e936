package manifest

// backupsOf reads the backups of the databases of app.
func (r *reader) backupsOf(d *document, app *Application) {}
