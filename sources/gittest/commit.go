package gittest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	authorName  = "Ada Author"
	authorEmail = "ada@example.com"
)

// Delete as the content of a file removes it.
const Delete = "\x00delete"

// Option changes one thing of a commit.
type Option func(*commit)

type commit struct {
	ref     string
	message string
	orphan  bool
	parent  string
}

// On commits to a branch other than main, or to any ref given by its full name. A branch that does not exist begins
// without a parent, unless From says otherwise.
func On(branch string) Option {
	return func(c *commit) {
		if c.ref = branch; !strings.HasPrefix(branch, "refs/") {
			c.ref = "refs/heads/" + branch
		}
	}
}

// Message is the commit message; without it "change".
func Message(text string) Option { return func(c *commit) { c.message = text } }

// From makes hash the parent, and its files those the commit starts from, whatever the branch is now.
func From(hash string) Option { return func(c *commit) { c.parent = hash } }

// Orphan makes a commit without parent that replaces the branch: what a force-push of a rewritten history looks like.
func Orphan() Option { return func(c *commit) { c.orphan = true } }

func newCommit(options []Option) commit {
	c := commit{ref: "refs/heads/main", message: "change"}
	for _, o := range options {
		o(&c)
	}
	return c
}

// Commit writes a commit that changes files, path to content, and returns its hash. The other files stay as they are.
func (r *Repo) Commit(files map[string]string, options ...Option) string {
	hash, err := r.Write(files, options...)
	if err != nil {
		r.server.fatal(err)
	}
	return hash
}

// Write is Commit with an error.
func (r *Repo) Write(files map[string]string, options ...Option) (hash string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := newCommit(options)
	var in bytes.Buffer
	fmt.Fprintf(&in, "feature done\n")
	if c.orphan || c.parent != "" {
		// fast-import continues an existing branch unless it is told otherwise.
		fmt.Fprintf(&in, "reset %s\n", c.ref)
	}
	fmt.Fprintf(&in, "commit %s\nmark :1\ncommitter %s\ndata %d\n%s\n", c.ref, r.signature(), len(c.message), c.message)
	switch {
	case c.orphan:
	case c.parent != "":
		fmt.Fprintf(&in, "from %s\n", c.parent)
	default:
		if old := r.refs()[c.ref]; old != "" {
			fmt.Fprintf(&in, "from %s\n", old)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		content := files[path]
		if content == Delete {
			fmt.Fprintf(&in, "D %s\n", path)
			continue
		}
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
	}
	fmt.Fprintf(&in, "get-mark :1\ndone\n")
	hash, err = r.server.run(r.dir, in.Bytes(), "fast-import", "--quiet", "--force", "--date-format=raw")
	if err != nil {
		return "", fmt.Errorf("commit to %s: %w", r.name, err)
	}
	return hash, nil
}

// Modes of tree entries, as git writes them.
const (
	File       = "100644"
	Executable = "100755"
	Symlink    = "120000"
	Folder     = "40000"
	Submodule  = "160000"
)

// Entry is one line of a tree.
type Entry struct {
	Mode    string
	Name    string  // any bytes without NUL, also those that git refuses: "..", ".git", "a/b"
	Content string  // of a file, or the target of a link
	Entries []Entry // of a folder
	Hash    string  // instead of content: of a submodule, or of an object that need not exist
}

// CommitTree writes a commit of exactly these entries, in this order, without any of git's checks.
func (r *Repo) CommitTree(entries []Entry, options ...Option) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	hash, err := r.commitTree(entries, newCommit(options))
	if err != nil {
		r.server.fatal(fmt.Errorf("commit to %s: %w", r.name, err))
	}
	return hash
}

func (r *Repo) commitTree(entries []Entry, c commit) (string, error) {
	tree, err := r.tree(entries)
	if err != nil {
		return "", err
	}
	parent := c.parent
	if parent == "" && !c.orphan {
		parent = r.refs()[c.ref]
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "tree %s\n", tree)
	if parent != "" {
		fmt.Fprintf(&text, "parent %s\n", parent)
	}
	who := r.signature()
	fmt.Fprintf(&text, "author %s\ncommitter %s\n\n%s", who, who, c.message)
	hash, err := r.object("commit", text.Bytes())
	if err != nil {
		return "", err
	}
	_, err = r.server.run(r.dir, nil, "update-ref", c.ref, hash)
	return hash, err
}

func (r *Repo) tree(entries []Entry) (string, error) {
	var raw bytes.Buffer
	for _, e := range entries {
		hash, err := e.Hash, error(nil)
		switch {
		case hash != "":
		case e.Mode == Folder:
			hash, err = r.tree(e.Entries)
		default:
			hash, err = r.object("blob", []byte(e.Content))
		}
		if err != nil {
			return "", err
		}
		id, err := hex.DecodeString(hash)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&raw, "%s %s\x00%s", e.Mode, e.Name, id)
	}
	return r.object("tree", raw.Bytes())
}

func (r *Repo) object(kind string, content []byte) (string, error) {
	return r.server.run(r.dir, content, "hash-object", "-t", kind, "-w", "--literally", "--stdin")
}

// signature is who and when; every commit is a minute younger than the one before it.
func (r *Repo) signature() string {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.clock) * time.Minute)
	r.clock++
	return fmt.Sprintf("%s <%s> %d +0000", authorName, authorEmail, at.Unix())
}
