package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"rondo.dev/rondo/cmd/internal/daemontest"
)

// rondo is a daemon in a process of its own.
type rondo struct {
	world   *daemontest.World
	binary  string
	log     *os.File
	process *daemontest.Process // nil until it is started
}

// newRondo builds rondo into dir and writes its rondo.yaml.
func newRondo(ctx context.Context, dir string, world *daemontest.World, sites []*site) (*rondo, error) {
	apps := make([]daemontest.App, len(sites))
	for i, s := range sites {
		apps[i] = daemontest.App{"name": s.name, "repository": s.repo.URL(), "namespace": s.name, "service_account": "deployer"}
	}
	if err := world.Configure(apps...); err != nil {
		return nil, err
	}
	binary, err := daemontest.Build(ctx, dir)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "rondo.log"))
	return &rondo{world: world, binary: binary, log: log}, err
}

func (r *rondo) start(context.Context) (err error) {
	r.process, err = daemontest.Serve(r.binary, r.world.Config, r.log)
	return err
}

func (r *rondo) tell(ctx context.Context, s *site, old string) error {
	_, err := r.world.Hook(ctx, r.process.URL, s.repo, "main", old, s.head)
	return err
}

func (r *rondo) settle(ctx context.Context, sites ...*site) error {
	heads := map[string]string{}
	for _, s := range sites {
		heads[s.name] = s.head
	}
	return r.world.Quiet(ctx, r.process.URL, heads)
}

func (r *rondo) pids() []int     { return []int{r.process.Pid()} }
func (r *rondo) users() []string { return []string{"rondo"} }

func (r *rondo) stop() error {
	var err error
	if r.process != nil {
		err = r.process.Stop()
	}
	return errors.Join(err, r.log.Close())
}
