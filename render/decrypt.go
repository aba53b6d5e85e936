package render

import "context"

// Decrypt opens a file of the repository that is encrypted with SOPS; format is
// "dotenv", "yaml" or "json". A file that stays closed through a fault of its own
// is a *[Sealed]; any other error says nothing about the file.
type Decrypt func(ctx context.Context, format string, data []byte) (map[string]string, error)

// Sealed says why an encrypted file cannot be read: a clause that follows the
// file's name and holds nothing of its content.
type Sealed struct{ Reason string }

func (e *Sealed) Error() string { return "the file " + e.Reason }
