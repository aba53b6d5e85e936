// Package git asks remote repositories what their refs are, mirrors them, and gives the files of a revision.
//
// [Store.Resolve] is one small request, whatever the number of refs: the ls-refs command of git's protocol version 2,
// without the question for capabilities that goes before it. [Store.Open] looks whether the mirror of the repository has
// the commit, fetches what is missing if not, and gives a Snapshot: an fs.FS over git's objects, so that nothing is ever
// unpacked. [Store.Message] reads the commit message. [Store.Prune] removes mirrors that nobody names any more.
//
// A server that does not understand the short way, or has moved a repository, is asked the long way, and what it
// answers is remembered: where it wants to be spoken to, and whether it knows version 0 only.
//
// Where the address says ssh, each question is a connection of its own that runs git-upload-pack on the server and speaks
// the same protocol, in version 0 where the server takes no variables. The login is the key of [SSH] and nothing else; a host
// whose key is not in its known_hosts is not asked, and none is learned.
//
// # Mirrors
//
// A mirror is a bare repository in a folder with a random name, shared by all applications of its repository; git itself can
// read it. It holds packs, the list of refs that were followed, and no name or content that a server chose is ever the
// name of a file in it. What is in flight lies in a folder of the process's own, which the next start removes, and is
// moved into place when it is whole. A mirror that cannot be read is cloned afresh beside and swapped. So is one of more than
// 30 packs, in the background, while pushes go on being fetched into the old one. Snapshots that are open meanwhile go on
// reading: their files are open.
//
// # Promises
//
// Everything a server sends is bounded: bytes, objects, the size of each, the memory for deltas, time. A pack is taken
// only after each of its objects was read and hashed. A panic costs one fetch. Links, submodules and large files are
// refused by name and never followed or read; entries called ".git", in any spelling, or with a name that is no single
// component of a path, do not exist. Credentials are sent to the host they are for and to no other.
//
// # Decisions
//
//   - Of go-git, hashes (with collision detection) and deltas are used, not its transport, its pack parser or its
//     object storage. The transport knows version 0 only, which lists every ref at each fetch: 3.3 MB for 50,000. The parser
//     runs in a goroutine of its own, where nobody can recover from its panics, and allocates what a pack declares. The
//     storage reads whole indexes into memory: for a repository of 540,000 objects 100 ms and 56 MiB at each Open. Here
//     indexes are searched on disk: a mirror that is open costs its file descriptors and next to no memory, one that is not costs nothing.
//   - The git program was rejected: rondo is one binary, in an image that holds nothing else.
//   - Fetches are full in depth and want a commit by its hash. Up to 32 ancestors of what is there are told to the server, for
//     a rewritten branch to be as cheap as a push; a longer negotiation would cost every push a round trip.
//   - Packs are not merged. A clone needs no second reader and writer of packs, and heals what was wrong unnoticed; a large
//     repository costs its size once in 30 pushes, which no push waits for.
//   - The ssh program was rejected for the same reason, and because what it reads (agents, homes, options in host names) is
//     more than rondo should trust. Connections are not kept: a login costs some milliseconds, and a poll is rare.
//   - The cache knows objects by their place on disk, not by their hash: a repository that names an object it does not have
//     is never given the one of another tenant.
//   - Nothing is synced to the disk: a mirror can be fetched again, and damage is noticed by lengths and checksums.
package git
