// Package data stands for the databases of an application inside its namespace.
//
// A database that runs elsewhere gets a name there, [Name], so that its address
// in variables and code stays the same wherever it moves: an ExternalName
// Service for a DNS name; a Service without a selector and an EndpointSlice for
// an IP address. The engine's default group has a second Service, named after
// the engine alone (spec 3.3). A database known only by its Secret needs none.
//
// # Decisions
//
//   - The Service for an IP address is headless. It passes no proxy, keeps the
//     address's family whatever the cluster's is, and can become an ExternalName
//     Service later.
//   - A DNS name of the cluster's own that leads into another namespace is refused
//     (threats T22): such a Service would hand out what a network policy there was
//     written for by name. Addresses that the API server refuses in an
//     EndpointSlice, loopback and link-local among them, are refused here already.
package data
