package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// served are the paths of the API that the Server answers.
var served = []string{
	"/repos/{owner}/{repo}/statuses/{sha}",
	"/repos/{owner}/{repo}/commits/{ref}/statuses",
	"/repos/{owner}/{repo}/installation",
	"/app/installations/{installation_id}/access_tokens",
}

// description checks requests and answers.
type description struct{ router routers.Router }

// described keeps what was loaded, by file, for all servers of the process.
var described struct {
	sync.Mutex
	byFile map[string]*description
}

// describe loads the served paths of the API description in file, once.
func describe(file string) (*description, error) {
	described.Lock()
	defer described.Unlock()
	if d := described.byFile[file]; d != nil {
		return d, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	subset, err := reduce(content)
	if err != nil {
		return nil, fmt.Errorf("read GitHub's API description: %w", err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(subset)
	if err != nil {
		return nil, fmt.Errorf("load GitHub's API description: %w", err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	if described.byFile == nil {
		described.byFile = make(map[string]*description)
	}
	described.byFile[file] = &description{router: router}
	return described.byFile[file], nil
}

var reference = regexp.MustCompile(`"\$ref":\s*"#/components/([^/"]+)/([^/"]+)"`)

// reduce keeps the served paths and the components they refer to. Without the
// list of servers the paths hold at any address.
func reduce(content []byte) ([]byte, error) {
	type raw = json.RawMessage
	var in struct {
		OpenAPI    string                    `json:"openapi"`
		Info       raw                       `json:"info"`
		Paths      map[string]raw            `json:"paths"`
		Components map[string]map[string]raw `json:"components"`
	}
	if err := json.Unmarshal(content, &in); err != nil {
		return nil, err
	}
	paths, components := make(map[string]raw), make(map[string]map[string]raw)
	var todo []raw
	for _, path := range served {
		if in.Paths[path] == nil {
			return nil, fmt.Errorf("path %s is not in it", path)
		}
		paths[path] = in.Paths[path]
		todo = append(todo, in.Paths[path])
	}
	for len(todo) > 0 {
		text := todo[0]
		todo = todo[1:]
		for _, ref := range reference.FindAllSubmatch(text, -1) {
			section, name := string(ref[1]), string(ref[2])
			if components[section][name] != nil {
				continue
			}
			if components[section] == nil {
				components[section] = make(map[string]raw)
			}
			components[section][name] = in.Components[section][name]
			todo = append(todo, in.Components[section][name])
		}
	}
	return json.Marshal(map[string]any{
		"openapi": in.OpenAPI, "info": in.Info, "paths": paths, "components": components,
	})
}

// request checks r, whose body it has been given apart. The result is what the
// answer is checked against.
func (d *description) request(r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := d.router.FindRoute(r)
	if err != nil {
		return nil, fmt.Errorf("is not a call that is answered here: %w", err)
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc, // the description has no security schemes
			IncludeResponseStatus: true,
		},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		return nil, err
	}
	return in, unknownFields(route.Operation, body)
}

// unknownFields refuses what GitHub would ignore in silence: a misspelt field.
func unknownFields(op *openapi3.Operation, body []byte) error {
	if op.RequestBody == nil || len(bytes.TrimSpace(body)) == 0 || string(bytes.TrimSpace(body)) == "null" {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return err
	}
	media := op.RequestBody.Value.GetMediaType("application/json")
	for name := range fields {
		if _, ok := media.Schema.Value.Properties[name]; !ok {
			return fmt.Errorf("has the field %q, which GitHub does not know", name)
		}
	}
	return nil
}

// response checks an answer of the Server's own.
func (d *description) response(in *openapi3filter.RequestValidationInput, a answer) error {
	if !slices.Contains([]int{200, 201}, a.code) {
		return nil // refusals have many undocumented shapes
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: a.code, Header: a.header, Options: in.Options,
	}
	return openapi3filter.ValidateResponse(in.Request.Context(), out.SetBodyBytes(a.body))
}
