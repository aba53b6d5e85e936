package manifest

// Backup is one entry of backups (spec 3.8).
type Backup struct{}
