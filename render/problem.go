package render

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"rondo.dev/rondo/sources"
)

// Problem is a fault in the user's files; only a new revision can clear it.
// Warnings and infos have the same form: the first letter of Code tells.
type Problem struct {
	Pos  sources.Position `json:"pos"`           // where, inside the snapshot
	Code string           `json:"code"`          // stable, documented: "E-FILE-DUP-SERVICE"
	Path string           `json:"key,omitempty"` // key path: "services.web.ports[0]"; may be empty
	What string           `json:"what"`          // one clause, names the object
	Fix  string           `json:"fix,omitempty"` // one imperative clause
	Err  error            `json:"-"`             // cause; may be nil; never shown, may hold content
}

func (p *Problem) Error() string {
	if p.Fix == "" {
		return fmt.Sprintf("%s: %s [%s]", p.Pos, p.What, p.Code)
	}
	return fmt.Sprintf("%s: %s; %s [%s]", p.Pos, p.What, p.Fix, p.Code)
}

func (p *Problem) Unwrap() error { return p.Err }

// IsError reports whether p keeps the application from being deployed.
func (p *Problem) IsError() bool { return len(p.Code) > 0 && p.Code[0] == 'E' }

// IsWarning reports whether p should be looked at but does not stop anything.
func (p *Problem) IsWarning() bool { return len(p.Code) > 0 && p.Code[0] == 'W' }

// SortProblems orders by file, line, column and code, stably.
func SortProblems(ps []Problem) {
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i].Pos, ps[j].Pos
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		case a.Column != b.Column:
			return a.Column < b.Column
		default:
			return ps[i].Code < ps[j].Code
		}
	})
}

// ByUrgency gives ps in the order in which a person should read them: errors,
// then warnings, then infos, each in the order they had.
func ByUrgency(ps []Problem) []Problem {
	rank := func(p Problem) int {
		switch {
		case p.IsError():
			return 0
		case p.IsWarning():
			return 1
		default:
			return 2
		}
	}
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b Problem) int { return rank(a) - rank(b) })
	return out
}

// Invalid is the error of a [Render] that found at least one Problem with
// severity error. It holds all Problems, sorted, warnings and infos too, what
// became of each leaf key, and which applications are read, as [Bundle] does.
type Invalid struct {
	Problems []Problem
	Keys     []Key
	Reads    []string
}

// Error is the first error, and how many more there are.
func (e *Invalid) Error() string {
	first, more := e.first()
	if first == nil {
		return "invalid files"
	}
	if more > 0 {
		return fmt.Sprintf("%s (and %d more)", first.Error(), more)
	}
	return first.Error()
}

// Unwrap is the first error, a *Problem.
func (e *Invalid) Unwrap() error {
	if p, _ := e.first(); p != nil {
		return p
	}
	return nil
}

func (e *Invalid) first() (p *Problem, more int) {
	for i := range e.Problems {
		switch {
		case !e.Problems[i].IsError():
		case p == nil:
			p = &e.Problems[i]
		default:
			more++
		}
	}
	return p, more
}

// CountProblems counts errors, warnings and infos.
func CountProblems(ps []Problem) (errs, warnings, infos int) {
	for i := range ps {
		switch {
		case ps[i].IsError():
			errs++
		case ps[i].IsWarning():
			warnings++
		default:
			infos++
		}
	}
	return errs, warnings, infos
}

// AsProblems gives the Problems that err carries, also through wrapping; nil
// when err is not about the user's files.
func AsProblems(err error) []Problem {
	var invalid *Invalid
	if errors.As(err, &invalid) {
		return invalid.Problems
	}
	var p *Problem
	if errors.As(err, &p) {
		return []Problem{*p}
	}
	return nil
}

// AsKeys gives the Keys that err carries, also through wrapping.
func AsKeys(err error) []Key {
	var invalid *Invalid
	if errors.As(err, &invalid) {
		return invalid.Keys
	}
	return nil
}

// AsReads gives the Reads that err carries, also through wrapping.
func AsReads(err error) []string {
	var invalid *Invalid
	if errors.As(err, &invalid) {
		return invalid.Reads
	}
	return nil
}
