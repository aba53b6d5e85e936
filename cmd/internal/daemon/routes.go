package daemon

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rondo.dev/rondo/cmd/internal/client"
)

// serve answers on l until ctx ends, then lets what runs finish for 10 s.
func (d *Daemon) serve(ctx context.Context, l net.Listener, routes http.Handler) error {
	server := &http.Server{
		Handler: routes,
		// A client that dribbles its headers or keeps quiet holds a connection
		// for so long and no longer (threats T8). Bodies have their own clock.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err := server.Shutdown(closing)
		if err != nil {
			err = errors.Join(err, server.Close())
		}
		stopped <- err
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// publicRoutes are open to the world: the webhook by its signature, the API by
// a token, and nothing else.
func (d *Daemon) publicRoutes() http.Handler {
	e := d.echo()
	d.hooks.Register(e)
	api := e.Group("/api/v1")
	read, operate := d.allow("read"), d.allow("operate")
	body := middleware.BodyLimit("64K")
	api.GET("/apps", d.listApps, read)
	api.GET("/apps/:app", d.showApp, read)
	api.POST("/apps/:app/sync", d.syncApp, operate, body)
	api.POST("/apps/:app/pause", d.pauseApp, operate, body)
	api.POST("/apps/:app/resume", d.resumeApp, operate, body)
	api.POST("/apps/:app/remove", d.removeApp, operate, body)
	return e
}

// internalRoutes are for the cluster.
func (d *Daemon) internalRoutes() http.Handler {
	e := d.echo()
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{})))
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", d.ready)
	return e
}

// ready is whether a webhook would be taken: the ledger answers.
func (d *Daemon) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 2*time.Second)
	defer cancel()
	if err := d.ledger.Ping(ctx); err != nil {
		return c.String(http.StatusServiceUnavailable, "the ledger does not answer\n")
	}
	if d.active.get() {
		return c.String(http.StatusOK, "ok, active\n")
	}
	return c.String(http.StatusOK, "ok, standing by\n")
}

func (d *Daemon) echo() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = d.fail
	// A handler that panics is a defect of ours, not a reason to stop.
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(c echo.Context, err error, _ []byte) error {
			d.log.Error("handler panicked", "route", c.Path(), "err", err)
			return echo.NewHTTPError(http.StatusInternalServerError, "internal error")
		},
	}))
	return e
}

// fail answers an error in the API's shape. What is not meant for the caller
// stays in the log.
func (d *Daemon) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, message := http.StatusInternalServerError, "internal error"
	var he *echo.HTTPError
	if errors.As(err, &he) {
		status = he.Code
		if text, ok := he.Message.(string); ok {
			message = text
		}
	} else {
		d.log.Error("request failed", "route", c.Path(), "err", err)
	}
	if err := c.JSON(status, client.Answer{Message: message}); err != nil {
		d.log.Debug("answer not sent", "route", c.Path(), "err", err)
	}
}

// allow lets requests with a token of the role through. Operators may read.
func (d *Daemon) allow(role string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			given, ok := strings.CutPrefix(c.Request().Header.Get("Authorization"), "Bearer ")
			who := d.whose(given)
			switch {
			case !ok || who == nil:
				c.Response().Header().Set("WWW-Authenticate", `Bearer realm="rondo"`)
				what := "a token is needed"
				if ok {
					what = "the token is not known here"
				}
				return echo.NewHTTPError(http.StatusUnauthorized, what+"; name its file with --token-file or RONDO_TOKEN_FILE")
			case role == "operate" && who.role != "operate":
				return echo.NewHTTPError(http.StatusForbidden, "the token of "+who.name+" may read only")
			}
			c.Set("who", who.name)
			return next(c)
		}
	}
}

// whose finds the token in constant time for each that is configured.
func (d *Daemon) whose(secret string) *token {
	d.mu.Lock()
	tokens := d.tokens
	d.mu.Unlock()
	sum := sha256.Sum256([]byte(secret))
	var found *token
	for i := range tokens {
		if subtle.ConstantTimeCompare(sum[:], tokens[i].sum[:]) == 1 {
			found = &tokens[i]
		}
	}
	return found
}
