// Package edge brings traffic from outside to services.
//
// [Routes] reads from the manifest which host on which port leads to which port
// of which service, and refuses two answers to one question. Each dialect then
// writes the same routes in its own words; so far there is one, [Ingress], for
// the Ingress controller that a cluster has already.
//
// # Decisions
//
//   - The route is the whole input of a dialect. nginx and HAProxy configurations
//     will be written from it too, so it knows no Kubernetes.
//   - An Ingress has the ports 80 and 443 and cannot tell them apart: the same
//     rules answer on both. What would need more is refused by [Routes] rather than
//     rendered nearly right. The check moves into the dialect when there is a second.
//   - A certificate is not named yet, so the tls entry has hosts only: controllers
//     then take their default certificate.
package edge
