package daemon

import "github.com/labstack/echo/v4"

// PublicRoutes is the table of the public listener.
func (d *Daemon) PublicRoutes() []*echo.Route { return d.publicRoutes().(*echo.Echo).Routes() }
