package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"

	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/notify"
	notifygithub "rondo.dev/rondo/notify/github"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/cluster"
	"rondo.dev/rondo/reconcile/ledger"
	"rondo.dev/rondo/reconcile/probe"
	"rondo.dev/rondo/render/kustomize"
	"rondo.dev/rondo/render/sops"
	"rondo.dev/rondo/render/workload"
	"rondo.dev/rondo/sources/git"
	"rondo.dev/rondo/sources/github"
	"rondo.dev/rondo/sources/poll"
	"rondo.dev/rondo/sources/webhook"
)

// Options are what a Daemon is built from. Config must be set.
type Options struct {
	Config  *config.Config
	Version string       // printed by --version and part of the input digest; empty: "dev"
	REST    *rest.Config // the cluster; nil: as the configuration says
	Log     *slog.Logger // nil: discarded
	Now     func() time.Time
}

// Daemon is a rondo that was built and not yet run. Close is needed only when
// it is never run.
type Daemon struct {
	log      *slog.Logger
	now      func() time.Time
	version  string
	registry *prometheus.Registry

	following sync.Mutex // held while what is followed changes; taken before mu

	mu     sync.Mutex
	config *config.Config
	tokens []token
	inHand map[string]bool // deliveries that are being looked at; made by takeUp

	ledger     *ledger.Ledger
	git        *git.Store
	workers    *kustomize.Workers
	cluster    *cluster.Cluster
	reconciler *reconcile.Reconciler
	queue      *reconcile.Queue
	poller     *poll.Poller
	sender     *notify.Sender
	hooks      *webhook.Handler
	holder     *holder

	public, internal net.Listener
	active           activity
}

// New builds a daemon and opens its listeners, so that its addresses are known
// and a port in use is an error here. Nothing runs yet.
func New(ctx context.Context, o Options) (d *Daemon, err error) {
	if o.Config == nil {
		return nil, errors.New("daemon: Config must be set")
	}
	c := o.Config
	d = &Daemon{config: c, version: o.Version, log: o.Log, now: o.Now, registry: prometheus.NewRegistry()}
	if d.version == "" {
		d.version = "dev"
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.now == nil {
		d.now = time.Now
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
			d = nil
		}
	}()
	d.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	secret, err := readSecret(c.GitHub.WebhookSecretFile)
	if err != nil {
		return d, fmt.Errorf("webhook secret: %w", err)
	}
	if d.tokens, err = readTokens(c.Access); err != nil {
		return d, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return d, fmt.Errorf("data folder: %w", err)
	}
	key, err := ledger.KeyFile(c.KeyFile)
	if err != nil {
		return d, fmt.Errorf("key file: %w", err)
	}
	if d.ledger, err = ledger.Open(ctx, ledger.Options{URL: c.Store, Key: subkey(key, "ledger"), Now: d.now, Logger: d.log, Registerer: d.registry}); err != nil {
		return d, fmt.Errorf("open the ledger: %w", err)
	}

	hub, err := github.New(github.Options{
		AppID: c.GitHub.App.ID, PrivateKeyFile: c.GitHub.App.PrivateKeyFile,
		TokenFile: c.GitHub.TokenFile, BaseURL: c.GitHub.APIURL,
	})
	if err != nil {
		return d, fmt.Errorf("GitHub credentials: %w", err)
	}
	creds := credentials{github: hub, git: c.Git}
	if d.git, err = git.New(git.Options{
		Dir: filepath.Join(c.Data, "mirrors"), Credentials: creds.For, Logger: d.log, Registerer: d.registry, Now: d.now,
		SSH: &git.SSH{KeyFile: c.Git.SSHKeyFile, KnownHostsFile: c.Git.KnownHostsFile},
	}); err != nil {
		return d, fmt.Errorf("open the mirrors: %w", err)
	}

	if o.REST == nil {
		if o.REST, err = cluster.Config(c.Cluster.Kubeconfig); err != nil {
			return d, fmt.Errorf("find the cluster: %w", err)
		}
	}
	if d.holder, err = newHolder(c.Data); err != nil {
		return d, err
	}
	if d.cluster, err = cluster.New(ctx, cluster.Options{
		Config: o.REST, SingleTenant: c.SingleTenant, Key: subkey(key, "inventory"), Holder: d.holder.name,
		TakeOver: c.Cluster.TakeOver, Sweep: c.Cluster.Sweep, SecretCheck: c.Cluster.SecretCheck,
		ClusterRole: c.Cluster.ClusterRole, Now: d.now, Logger: d.log, Registerer: d.registry,
		OnDrift: d.drifted, OnPause: d.annotated,
	}); err != nil {
		return d, fmt.Errorf("reach the cluster: %w", err)
	}

	d.workers = kustomize.NewWorkers()
	builder := workload.Builder{Key: subkey(key, "config hash")}
	if c.Secrets.AgeKeyFile != "" {
		builder.Decrypt = sops.Opener{KeyFile: c.Secrets.AgeKeyFile}.Open
	}
	if d.reconciler, err = reconcile.New(reconcile.Options{
		Source: d.git, Cluster: d.cluster, Journal: d.ledger,
		Builder: kustomize.Builder{Inner: builder, Workers: d.workers},
		Messages: func(r reconcile.Result) []reconcile.Message {
			return notify.Messages(r, notify.Options{PublicURL: c.PublicURL})
		},
		Key: subkey(key, "inventory"), Version: d.version, Facts: c.Facts(), TakeOver: c.Cluster.TakeOver,
		Prober:  probe.New(probe.Options{AllowLoopback: c.HealthChecks.AllowLoopback, ConnectTo: c.HealthChecks.ConnectTo, Remotes: remotes(c)}),
		Metrics: reconcile.NewMetrics(d.registry), Now: d.now, Log: d.log,
	}); err != nil {
		return d, err
	}
	d.queue = reconcile.NewQueue(d.reconciler)
	d.queue.Gone = d.left
	if d.poller, err = poll.New(poll.Options{
		Resolve: d.git.Resolve, Emit: d.polled, Min: c.Poll.Min, Max: c.Poll.Max,
		Now: d.now, Logger: d.log, Registerer: d.registry,
	}); err != nil {
		return d, err
	}
	if d.sender, err = notify.NewSender(notify.SenderOptions{
		Outbox:   d.ledger,
		Channels: map[string]notify.Channel{"status": notifygithub.New(hub, d.now)},
		Now:      d.now, Logger: d.log, Registerer: d.registry,
	}); err != nil {
		return d, err
	}
	if d.hooks, err = webhook.New(webhook.Options{
		Secret: secret, Deliver: d.deliver, Known: d.known, Emit: d.delivered,
		Now: d.now, Logger: d.log, Registerer: d.registry,
	}); err != nil {
		return d, err
	}

	if d.public, err = net.Listen("tcp", c.Listen); err != nil {
		return d, err
	}
	if d.internal, err = net.Listen("tcp", c.InternalListen); err != nil {
		return d, err
	}
	return d, nil
}

// Addr is the address of the public listener, InternalAddr that of the internal.
// remotes are the checkers elsewhere.
func remotes(c *config.Config) []probe.Remote {
	var out []probe.Remote
	for _, r := range c.HealthChecks.Remotes {
		out = append(out, probe.Remote(r))
	}
	return out
}

func (d *Daemon) Addr() net.Addr         { return d.public.Addr() }
func (d *Daemon) InternalAddr() net.Addr { return d.internal.Addr() }

// Run owns every goroutine of the daemon; it returns when the last has ended.
// It waits for its turn under the Lease and may take it several times.
func (d *Daemon) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.serve(ctx, d.public, d.publicRoutes()) })
	g.Go(func() error { return d.serve(ctx, d.internal, d.internalRoutes()) })
	g.Go(func() error { return d.lead(ctx) })
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// lead does the active daemon's work whenever this one holds the Lease.
func (d *Daemon) lead(ctx context.Context) error {
	d.mu.Lock()
	namespace, name := leaseNamespace(d.config.Cluster.LeaseNamespace), d.config.Cluster.LeaseName
	d.mu.Unlock()
	for ctx.Err() == nil {
		err := d.cluster.Lead(ctx, namespace, name, func(ctx context.Context) error {
			err := d.work(ctx)
			if errors.Is(context.Cause(ctx), cluster.ErrLeaseLost) {
				d.log.Warn("standing by", "err", errors.Join(cluster.ErrLeaseLost, err))
				return nil
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return ctx.Err()
}

// work is the active daemon: it takes up what an earlier one left, then runs
// until ctx ends or the Lease is lost.
func (d *Daemon) work(ctx context.Context) error {
	d.log.Info("active", "holder", d.holder.name)
	if err := d.takeUp(ctx); err != nil {
		return fmt.Errorf("take up what was left: %w", err)
	}
	d.active.set(true)
	defer d.active.set(false)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.cluster.Run(ctx) })
	g.Go(func() error { return d.poller.Run(ctx) })
	g.Go(func() error { return d.sender.Run(ctx) })
	g.Go(func() error { return d.queue.Run(ctx) })
	g.Go(func() error { return d.adopt(ctx) })
	g.Go(func() error { return d.retain(ctx) })
	return g.Wait()
}

// Close releases what New opened. Run does it by itself.
func (d *Daemon) Close() error {
	var errs []error
	for _, l := range []net.Listener{d.public, d.internal} {
		if l != nil {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if d.workers != nil {
		errs = append(errs, d.workers.Close())
	}
	if d.git != nil {
		errs = append(errs, d.git.Close())
	}
	if d.ledger != nil {
		errs = append(errs, d.ledger.Close())
	}
	if d.holder != nil {
		errs = append(errs, d.holder.close())
	}
	return errors.Join(errs...)
}
