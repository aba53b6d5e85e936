package reconcile

import (
	"context"
	"fmt"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// render gives the artifact to apply: rendered, or the stored one when the
// input is the same (design 3.4).
func (p *pass) render(ctx context.Context) (Artifact, error) {
	var artifact Artifact
	var snapshot sources.Snapshot
	err := p.timed("fetch", func() (err error) {
		snapshot, err = p.Source.Open(ctx, p.App.Repo, p.result.Revision)
		return err
	})
	if err != nil {
		return artifact, fmt.Errorf("fetch %s: %w", p.result.Revision, err)
	}
	defer snapshot.Close()
	if err := p.take(ctx, p.slots); err != nil {
		return artifact, err
	}
	in := render.Input{
		Snapshot: snapshot, App: p.App.Name, Environment: p.App.Environment, Namespace: p.App.Namespace,
		Manifest: p.App.Manifest, Path: p.App.Path, Incomplete: p.App.Incomplete, Facts: p.Facts,
	}
	facts, err := p.Cluster.Facts(ctx)
	if err != nil {
		return artifact, fmt.Errorf("read facts of the cluster: %w", err)
	}
	if in.Facts.Applications, err = p.readable(ctx, p.App); err != nil {
		return artifact, err
	}
	in.Facts.Namespaces = p.sharing.elsewhere()
	in.Facts.Policy, in.Facts.ConfigStore, in.Facts.Once = p.App.Policy, p.App.ConfigStore, p.state.Once
	in.Facts.ClusterVersion, in.Facts.IngressClass, in.Facts.KEDA = facts.ClusterVersion, facts.IngressClass, facts.KEDA
	if in.Facts.Policy.HostAccess { // for others they would be news without meaning
		in.Facts.Nodes = facts.Nodes
	}
	if p.result.InputDigest, err = render.InputDigest(in, p.Builder, p.Version); err != nil {
		return artifact, fmt.Errorf("digest the input: %w", err)
	}
	if p.result.InputDigest == p.state.InputDigest && !p.Refresh {
		stored, ok, err := p.Journal.LoadArtifact(ctx, p.App.Name)
		if err != nil {
			return artifact, fmt.Errorf("load artifact: %w", err)
		}
		bound := stored.Bundle.EachRevision() && stored.Revision != p.result.Revision
		if ok && stored.InputDigest == p.result.InputDigest && !bound {
			stored.Revision = p.result.Revision
			p.result.SameInput, p.result.Rendered, p.result.Problems = true, true, stored.Bundle.Problems
			p.result.KeyCounts = render.CountKeys(stored.Bundle.Keys)
			p.reads(stored.Bundle.Reads, in.Facts)
			return stored, nil
		}
	}
	err = p.timed("render", func() error {
		artifact.Bundle, err = render.Render(ctx, in, p.Builder)
		return err
	})
	if problems := render.AsProblems(err); err == nil || problems != nil {
		p.result.Rendered, p.result.Problems = true, problems
	}
	keys, reads := artifact.Bundle.Keys, artifact.Bundle.Reads
	if err != nil {
		keys, reads = render.AsKeys(err), render.AsReads(err)
	}
	if p.result.Rendered {
		p.reads(reads, in.Facts)
	}
	p.result.KeyCounts, p.result.Keys = render.CountKeys(keys), keys[:min(len(keys), MaxKeys)]
	if err != nil {
		return artifact, err
	}
	p.result.Problems = artifact.Bundle.Problems
	artifact.Revision, artifact.InputDigest = p.result.Revision, p.result.InputDigest
	return artifact, nil
}

// hold gives what the loop holds the application at, for correcting drift.
func (p *pass) hold(ctx context.Context) (Artifact, error) {
	if p.state.Paused != nil {
		return Artifact{}, errNothing
	}
	artifact, ok, err := p.Journal.LoadArtifact(ctx, p.App.Name)
	if err != nil {
		return artifact, fmt.Errorf("load artifact: %w", err)
	}
	if !ok || p.state.InputDigest == "" { // nothing, or nothing as a whole yet
		return artifact, errNothing
	}
	p.result.Revision = artifact.Revision
	return artifact, nil
}
