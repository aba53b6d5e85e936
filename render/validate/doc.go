// Package validate looks over finished objects before a cluster is asked.
//
// [Objects] finds what an API server would refuse or, worse, accept: names and
// labels of the wrong form, and references that lead nowhere. A Service without
// Pods and an Ingress without a Service are valid to Kubernetes and serve nobody.
// It takes objects of any origin and knows nothing of manifests.
//
// # Diagnostics
//
//	E-OBJECT-NAME   a name, label or annotation has a form that Kubernetes refuses
//	E-OBJECT-REF    an object refers to another, or to a port, that is not there
//	E-OBJECT-DUP    two elements of a list have the key by which they are told apart
//
// # Decisions
//
//   - The rules for names are those of k8s.io/apimachinery, called, not repeated.
//   - References to ConfigMaps, Secrets and ServiceAccounts are not followed: they
//     may well be in the cluster already, made by somebody else.
//   - A port given by number need not be declared by a container; one given by name must.
package validate
