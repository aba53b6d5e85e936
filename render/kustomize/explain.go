package kustomize

import (
	"path"
	"regexp"
	"strings"

	"rondo.dev/rondo/render"
)

// Shapes of what kustomize says. Only names of kinds, objects and keys are taken
// out of its words: the rest repeats files, and so perhaps secrets (threats T4).
var (
	registered = regexp.MustCompile(`already registered id: ([^\s']+)`)
	noTarget   = regexp.MustCompile(`no matches for Id (\S+?);|no resource matches strategic merge patch "?([^\s":]+)`)
	unknownKey = regexp.MustCompile(`unknown field "([A-Za-z][A-Za-z0-9_]*)"`)
	wrongType  = regexp.MustCompile(`cannot unmarshal \w+ into Go (?:struct field|value of type) (\S+)`)
	noMerge    = regexp.MustCompile(`Kind:"(\w+)"[^{}]*\}, Name:"([-.\w]+)", Namespace:"[^"]*"\} does not exist; cannot (merge|replace)`)
	resID      = regexp.MustCompile(`^"?([A-Za-z]\w*)\.[^/\s]*/([-.\w]+?)\.(?:\[noNs\]|[-\w]+)"?;?$`)
)

// explain turns the words of kustomize into a Problem of ours.
func (u *build) explain(words, dir string) render.Problem {
	p := render.Problem{Pos: u.root, Code: "E-KUSTOMIZE"}
	switch {
	case registered.MatchString(words):
		name := objectOf(registered.FindStringSubmatch(words)[1])
		p.Code, p.What, p.Fix = "E-NAME-COLLISION", name+" is declared twice", "rename one of the two, or drop it"
		if at := u.byName[name]; len(at) > 0 {
			p.Pos = at[len(at)-1]
			if len(at) > 1 {
				p.What = name + " is also declared at " + at[0].String()
			}
		}
	case noTarget.MatchString(words):
		m := noTarget.FindStringSubmatch(words)
		name := objectOf(m[1] + m[2])
		p.What, p.Fix = "a patch is for "+name+", which no resource declares", "correct kind and name of the patch"
		if at, ok := u.patch[name]; ok {
			p.Pos = at
		}
	case noMerge.MatchString(words):
		m := noMerge.FindStringSubmatch(words)
		p.What, p.Fix = "a generator is to "+m[3]+" "+m[1]+"/"+m[2]+", which no resource declares", "correct the name, or take behavior out"
	case unknownKey.MatchString(words):
		p.Code = "E-KEY-UNKNOWN"
		p.What, p.Fix = "kustomize knows no key "+unknownKey.FindStringSubmatch(words)[1]+" there", "correct or remove it"
	case wrongType.MatchString(words):
		field := wrongType.FindStringSubmatch(words)[1]
		p.Code, p.What, p.Fix = "E-TYPE", "a key of the kustomization has the wrong form: "+shown(field[strings.IndexByte(field, '.')+1:]), "write what kustomize expects there"
	case strings.Contains(words, "cycle detected"):
		p.Code, p.What, p.Fix = "E-KUSTOMIZE-CYCLE", "kustomizations refer to each other in a circle", "let bases stand beside what uses them"
	case strings.Contains(words, "nothing selected by"), strings.Contains(words, "unable to find field"), strings.Contains(words, "fieldPath"):
		p.What, p.Fix = "a replacement finds no object or no field", "correct its source, targets and fieldPaths"
	case strings.Contains(words, "operation does not apply"), strings.Contains(words, "unable to find path"), strings.Contains(words, "doc is missing"), strings.Contains(words, "missing value"):
		p.What, p.Fix = "a JSON patch does not fit the object: its path is not there", "correct the path, or add what it needs first"
	case strings.Contains(words, "unable to parse SM or JSON patch"):
		p.What, p.Fix = "a patch is neither an object nor a list of JSON patch operations", "write apiVersion, kind, metadata.name and what changes"
	case strings.Contains(words, "multiple matches for"), strings.Contains(words, "found multiple possible"):
		p.What, p.Fix = "a name fits several objects", "say which, with group, kind and namespace"
	case strings.Contains(words, "is empty"):
		p.What, p.Fix = "the kustomization is empty", "add resources"
	case strings.Contains(words, "invalid Kind"), strings.Contains(words, "apiVersion"):
		p.What, p.Fix = "a resource or the kustomization has the wrong apiVersion or kind", "correct it"
	default:
		p.What, p.Fix = "kustomize refuses these files", "run kustomize build "+shown(path.Clean(dir))+" to see why"
	}
	return p
}

// objectOf is Kind/name of an id as kustomize writes it: "Kind.version.group/name.namespace".
func objectOf(words string) string {
	if m := resID.FindStringSubmatch(strings.Trim(words, `"';`)); m != nil {
		return m[1] + "/" + m[2]
	}
	return "an object"
}
