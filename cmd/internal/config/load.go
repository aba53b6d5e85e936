package config

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/poll"
)

// maxFile is the largest rondo.yaml read, in bytes: 10,000 applications with
// room to spare.
const maxFile = 8 << 20

// Load reads and checks the file at path. The error holds every fault of the
// file, each on its own line; faults of single applications are in Invalid.
func Load(path string) (*Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, maxFile>>20)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, raw)
}

// Parse is [Load] for a text that is in memory; path is for messages.
func Parse(path string, raw []byte) (*Config, error) {
	c := &Config{File: Defaults(), Path: path, Schedules: map[string]string{}, Invalid: map[string]error{}}
	d := &decoder{path: path, lines: map[string]int{}}
	d.decode(raw, &c.File)
	for engine, versions := range data.Catalogue() {
		if c.Catalogue[engine] == nil {
			c.Catalogue[engine] = versions
		}
	}
	d.checkDaemon(&c.File)
	d.checkApplications(c)
	if err := d.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (d *decoder) checkDaemon(f *File) {
	if f.PublicURL != "" {
		u, err := url.Parse(f.PublicURL)
		if err != nil || u.Scheme != "https" && !sources.IsLoopback(u.Hostname()) || u.Host == "" || u.User != nil {
			d.fail("public_url", "public_url must be an https address without credentials")
		}
		f.PublicURL = strings.TrimRight(f.PublicURL, "/")
	}
	if f.GitHub.WebhookSecretFile == "" {
		d.fail("github", "github.webhook_secret_file is missing; rondo does not listen without a secret")
	}
	app := f.GitHub.App
	switch {
	case (app.ID != 0) != (app.PrivateKeyFile != ""):
		d.fail("github.app", "github.app needs both id and private_key_file")
	case app.ID != 0 && f.GitHub.TokenFile != "":
		d.fail("github.token_file", "github has both app and token_file; keep one")
	}
	if f.Poll.Min > f.Poll.Max {
		d.fail("poll", "poll.min %s is longer than poll.max %s", f.Poll.Min, f.Poll.Max)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, f.LogLevel) {
		d.fail("log_level", "log_level must be debug, info, warn or error")
	}
	regions := map[string]bool{}
	for i, r := range f.HealthChecks.Remotes {
		key := fmt.Sprintf("health_checks.remotes[%d]", i)
		u, err := url.Parse(r.URL)
		switch {
		case r.Name == "" || regions[r.Name]:
			d.fail(key, "%s must have a name of its own", key)
		case err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !sources.IsLoopback(u.Hostname())):
			d.fail(key+".url", "%s.url must be an https address, or http to this machine", key)
		}
		regions[r.Name] = true
	}
	known := data.Catalogue()
	for engine, versions := range f.Catalogue {
		if known[engine] == nil {
			d.fail("catalogue."+engine, "catalogue names %q, which is none of %s", engine, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		for version, image := range versions {
			if image == "" || strings.ContainsAny(image, " \t\n") {
				d.fail("catalogue."+engine+"."+version, "catalogue.%s.%s must be an image such as registry/name:tag", engine, version)
			}
		}
	}
	d.objectStore(&f.ObjectStore)
	names := map[string]bool{}
	for i, a := range f.Access {
		key := fmt.Sprintf("access[%d]", i)
		switch {
		case a.Name == "" || a.TokenFile == "":
			d.fail(key, "access[%d] needs name, role and token_file", i)
		case names[a.Name]:
			d.fail(key, "access names %q twice", a.Name)
		case a.Role != "read" && a.Role != "operate":
			d.fail(key, "access[%d].role must be read or operate, not %q", i, a.Role)
		}
		names[a.Name] = true
	}
}

// objectStore checks where copies of databases go. Plain http is for Services of
// the cluster only: copies are as confidential as the databases.
func (d *decoder) objectStore(s *ObjectStore) {
	if s.Endpoint == "" && s.Bucket == "" {
		return
	}
	u, err := url.Parse(s.Endpoint)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		d.fail("object_store.endpoint", "object_store.endpoint must be an address such as https://s3.example.org, without credentials and without a path")
	case u.Scheme == "http" && (strings.HasSuffix(u.Hostname(), ".svc") || strings.HasSuffix(u.Hostname(), ".svc.cluster.local")):
	case u.Scheme != "https":
		d.fail("object_store.endpoint", "object_store.endpoint must use https; http is for Services of the cluster, such as http://minio.storage.svc:9000")
	}
	s.Endpoint = strings.TrimRight(s.Endpoint, "/")
	for _, field := range []struct {
		name, value string
		form        func() *regexp.Regexp
		fix         string
	}{
		{"bucket", s.Bucket, bucketForm, "the name of a bucket: lower-case letters, digits, dots and dashes"},
		{"region", s.Region, wordForm, "a word such as eu-central-1"},
		{"prefix", s.Prefix, prefixForm, "a folder such as rondo or clusters/one, without a slash at its ends"},
		{"provider", s.Provider, wordForm, "a word such as AWS, Minio or Other"},
		{"secret", s.Secret, namespaceForm, "the name of a Secret"},
		{"image", s.Image, imageForm, "an image such as registry/name:tag"},
	} {
		if !field.form().MatchString(field.value) {
			d.fail("object_store."+field.name, "object_store.%s must be %s", field.name, field.fix)
		}
	}
}

var (
	namespaceForm = form(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	bucketForm    = form(`^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$`)
	prefixForm    = form(`^[A-Za-z0-9][-_.A-Za-z0-9]*(/[A-Za-z0-9][-_.A-Za-z0-9]*)*$`)
	wordForm      = form(`^[A-Za-z0-9][-A-Za-z0-9]*$`)
	imageForm     = form(`^\S+$`)
)

// form compiles an expression when it is first asked: commands that never read
// rondo.yaml are over before these would be compiled.
func form(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

func (d *decoder) checkApplications(c *Config) {
	seen := map[string]int{}
	for i := range c.Applications {
		a := &c.Applications[i]
		key := fmt.Sprintf("applications[%d]", i)
		line := d.line(key)
		if a.Ref == "" {
			a.Ref = "main"
		}
		if a.Environment == "" {
			a.Environment = "production"
		}
		if a.Namespace == "" && a.Name != "" {
			a.Namespace = render.DefaultNamespace(a.Name, a.Environment)
		}
		app := d.application(c, key, a)
		mine := d.take(key)
		switch first, twice := seen[a.Name]; {
		case !render.ValidApp(a.Name):
			// Without a name there is nothing to hang the fault on.
			d.fail(key, "applications[%d].name %q must be lower-case letters, digits and dashes, at most 40, and start with a letter", i, a.Name)
		case twice:
			d.fail(key, "application %s is also on line %d", a.Name, first)
		case mine != nil:
			c.Invalid[a.Name] = mine
		default:
			c.Apps = append(c.Apps, app)
			if a.Schedule != "" {
				c.Schedules[a.Name] = a.Schedule
			}
		}
		seen[a.Name] = line
	}
}

// application checks one application and turns it into the word that travels.
func (d *decoder) application(c *Config, key string, a *Application) reconcile.Application {
	repo, err := sources.ParseRepo(a.Repository)
	if err != nil {
		d.fail(key+".repository", "application %s: %v", a.Name, err)
	}
	if repo.IsSSH() && (c.Git.SSHKeyFile == "" || c.Git.KnownHostsFile == "") {
		d.fail(key+".repository", "application %s is fetched over ssh; set git.ssh_key_file and git.known_hosts_file", a.Name)
	}
	if err := sources.ValidRef(a.Ref); err != nil {
		d.fail(key+".ref", "application %s: %v", a.Name, err)
	}
	if !render.ValidEnvironment(a.Environment) {
		d.fail(key+".environment", "application %s: environment %q must be letters, digits, - and _", a.Name, a.Environment)
	}
	if !namespaceForm().MatchString(a.Namespace) || strings.HasPrefix(a.Namespace, "kube-") {
		d.fail(key+".namespace", "application %s: %q cannot be its namespace", a.Name, a.Namespace)
	}
	switch {
	case a.ServiceAccount == "" && !c.SingleTenant:
		d.fail(key, "application %s has no service_account; name one, or set single_tenant: true", a.Name)
	case a.ServiceAccount != "" && c.SingleTenant:
		d.fail(key+".service_account", "application %s has a service_account, which single_tenant leaves unused; remove one", a.Name)
	case a.ServiceAccount != "" && !namespaceForm().MatchString(a.ServiceAccount):
		d.fail(key+".service_account", "application %s: %q is no name of a service account", a.Name, a.ServiceAccount)
	}
	switch {
	case a.Path == "":
	case a.Manifest != "":
		d.fail(key+".path", "application %s has both manifest and path; keep one", a.Name)
	case path.IsAbs(a.Path) || strings.HasPrefix(path.Clean(a.Path), ".."):
		d.fail(key+".path", "application %s: path must be a folder inside the repository", a.Name)
	default:
		a.Path = path.Clean(a.Path)
	}
	if a.Manifest != "" && (path.IsAbs(a.Manifest) || path.Clean(a.Manifest) != a.Manifest || strings.HasPrefix(a.Manifest, "..")) {
		d.fail(key+".manifest", "application %s: manifest must be a path inside the repository", a.Name)
	}
	if a.Schedule != "" {
		if _, err := poll.ParseSchedule(a.Schedule); err != nil {
			d.fail(key+".schedule", "application %s: %v", a.Name, err)
		}
	}
	app := reconcile.Application{
		Name: a.Name, Repo: repo, Ref: a.Ref, Environment: a.Environment, Namespace: a.Namespace,
		ServiceAccount: a.ServiceAccount, Manifest: a.Manifest, Path: a.Path, HealthDeadline: a.HealthDeadline, Incomplete: a.AllowIncomplete,
		Policy: render.Policy(a.Policy),
	}
	d.policy(key+".policy", a)
	for scope := range a.ConfigStore {
		if scope != "app" && scope != "account" {
			d.fail(key+".config_store."+scope, "application %s: config_store lists the keys of app and of account, not of %s", a.Name, scope)
		}
	}
	app.ConfigStore = a.ConfigStore
	for j, ig := range a.Ignore {
		if len(ig.Pointers) == 0 {
			d.fail(fmt.Sprintf("%s.ignore[%d]", key, j), "application %s: ignore[%d] names no pointers", a.Name, j)
		}
		rule := plan.Ignore{Kind: ig.Kind, Name: ig.Name, Pointers: ig.Pointers}
		if err := rule.Check(); err != nil {
			d.fail(fmt.Sprintf("%s.ignore[%d]", key, j), "application %s: %v", a.Name, err)
		}
		app.Ignore = append(app.Ignore, rule)
	}
	return app
}

// policy checks what an application may do to its nodes.
func (d *decoder) policy(key string, a *Application) {
	folder := func(at, p string) {
		if !path.IsAbs(p) || path.Clean(p) != p {
			d.fail(key+at, "application %s: %q must be an absolute path, without .. and without a slash at its end", a.Name, p)
		}
	}
	for j, prefix := range a.Policy.HostPaths {
		folder(fmt.Sprintf(".host_paths[%d]", j), prefix)
	}
	if a.Policy.LogPath != "" {
		folder(".log_path", a.Policy.LogPath)
	}
	if a.Policy.MaxPods < 0 {
		d.fail(key+".max_pods", "application %s: policy.max_pods must not be negative", a.Name)
	}
}

// Facts is the operator's part of what rendering knows.
func (c *Config) Facts() render.Facts {
	facts := render.Facts{
		NodePorts: c.Cluster.NodePorts, StorageClasses: c.Cluster.StorageClasses, SharedClass: c.Cluster.RWXClass, Images: c.Catalogue,
		EdgeNamespace: c.Cluster.EdgeNamespace, OpenNetwork: c.Cluster.OpenNetwork, ResponseTime: c.Cluster.ResponseTime,
	}
	if c.ObjectStore.Endpoint != "" {
		store := render.ObjectStore(c.ObjectStore)
		facts.ObjectStore = &store
	}
	return facts
}
