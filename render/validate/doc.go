// Package validate looks over finished objects before a cluster is asked.
//
// [Objects] finds what an API server would refuse or, worse, accept: fields that
// do not exist, values of the wrong type, names and labels of the wrong form, and
// references that lead nowhere. A Service without Pods and an Ingress without a
// Service are valid to Kubernetes and serve nobody. It takes objects of any
// origin and knows nothing of manifests.
//
// What fields there are is in schema.txt, written by testdata/schema from what
// Kubernetes publishes, for the versions that [Versions] lists. Of its types
// those are read that an object has, when it has them.
//
// # Diagnostics
//
//	E-OBJECT-KIND       Kubernetes has no such kind, or not in that version of its group
//	E-OBJECT-FIELD      an object has a field that its kind does not have
//	E-OBJECT-TYPE       a value is text where a number must be, or the like
//	E-OBJECT-VALUE      a value is not one of those that are accepted, or no quantity, time or base64
//	E-OBJECT-REQUIRED   a field is missing
//	E-OBJECT-NAME       a name, label or annotation has a form that Kubernetes refuses
//	E-OBJECT-REF        an object refers to another, to a port or to a volume, that is not there
//	E-OBJECT-DUP        two elements of a list have the key by which they are told apart
//	W-OBJECT-REF        a reference of an object that rondo did not make leads out of what is there
//	I-OBJECT-REF        a NetworkPolicy is for none of the Pods here
//	I-OBJECT-UNCHECKED  objects are of an extension's kind, whose fields only the cluster knows
//
// # Decisions
//
//   - The rules for names are those of k8s.io/apimachinery, called, not repeated.
//   - The schema is a list of lines of our own, merged over the versions, of 80 KiB; the OpenAPI document is 4 MB
//     a version. It is not packed: lint lives for some milliseconds, and unpacking took one of them. What the document
//     says in prose, such as ranges, is left to the server's dry run.
//   - A cluster older than all versions here is judged by the oldest. On a newer one, what the schema does not know may
//     well exist: it is a warning there (W-OBJECT-FIELD and so on).
//   - References to ConfigMaps, Secrets, PersistentVolumeClaims and ServiceAccounts are not followed: they
//     may well be in the cluster already, made by somebody else.
//   - A port given by number need not be declared by a container; one given by name must.
//   - Fields that must be there are those that the OpenAPI document requires, less the few that the server fills in.
//   - A status is not looked at: it is the server's, and files written by "kubectl get" have one.
//   - An enumeration takes the empty text, which the server takes for nothing written.
package validate
