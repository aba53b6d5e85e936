package git

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"rondo.dev/rondo/sources"
)

// sshError is a fault of what rondo logs in with, or of what it knows about a host: the operator must act.
type sshError struct{ text string }

func (e *sshError) Error() string { return e.text }
func (e *sshError) Unwrap() error { return sources.ErrAuth }

// sshTimeout bounds a login, in case no shorter time is given.
const sshTimeout = 30 * time.Second

// config reads both files. Whatever is wrong with them is told by their names, never by what they hold.
func (o *SSH) config(user, address string) (*ssh.ClientConfig, error) {
	switch {
	case o == nil || o.KeyFile == "":
		return nil, &sshError{"there is no key for ssh; set git.ssh_key_file"}
	case o.KnownHostsFile == "":
		return nil, &sshError{"no host key is known; set git.known_hosts_file"}
	}
	text, err := os.ReadFile(o.KeyFile)
	if err != nil {
		return nil, &sshError{fmt.Sprintf("git.ssh_key_file cannot be read: %v", err)}
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, &sshError{o.KeyFile + " has a passphrase; make a key without one for git.ssh_key_file"}
	case err != nil:
		return nil, &sshError{o.KeyFile + " holds no private key of ssh; correct git.ssh_key_file"}
	}
	check, err := knownhosts.New(o.KnownHostsFile)
	if err != nil {
		return nil, &sshError{fmt.Sprintf("git.known_hosts_file cannot be read: %s", withoutLine(err))}
	}
	algorithms, err := hostKeyAlgorithms(check, address)
	if err != nil {
		return nil, err
	}
	return &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, Timeout: sshTimeout,
		HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(hostname string, remote net.Addr, key ssh.PublicKey) error {
			return hostKeyError(hostname, key, check(hostname, remote, key))
		},
	}, nil
}

// withoutLine drops what the library repeats of a line that it cannot read.
func withoutLine(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Error()
	}
	where, _, _ := strings.Cut(err.Error(), ": ")
	return where + ": no line of known_hosts"
}

// hostKeyAlgorithms are those of the keys that are known of a host, so that the server does not show another of its
// keys, which would look like a changed one. It is an error when none is known; nil, for all, where a certificate authority
// may vouch for it.
func hostKeyAlgorithms(check ssh.HostKeyCallback, address string) ([]string, error) {
	var unknown *knownhosts.KeyError
	if err := check(address, &net.TCPAddr{}, noKey{}); !errors.As(err, &unknown) {
		return nil, nil
	}
	if len(unknown.Want) == 0 {
		return nil, unknownHost(address)
	}
	var algorithms []string
	for _, known := range unknown.Want {
		switch kind := known.Key.Type(); kind {
		case ssh.KeyAlgoRSA: // with SHA-1 no more
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			algorithms = append(algorithms, kind)
		}
	}
	slices.Sort(algorithms)
	return algorithms, nil
}

// noKey is the key of no host.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// hostKeyError says what is wrong with the key a server shows, and what to do (threats T16).
func hostKeyError(host string, key ssh.PublicKey, err error) error {
	if err == nil {
		return nil
	}
	name, print := knownhosts.Normalize(host), ssh.FingerprintSHA256(key)
	var revoked *knownhosts.RevokedError
	var other *knownhosts.KeyError
	switch {
	case errors.As(err, &revoked):
		return &sshError{fmt.Sprintf("the host key of %s (%s) is marked as revoked in git.known_hosts_file; ask who runs the host", name, print)}
	case errors.As(err, &other) && len(other.Want) == 0:
		return unknownHost(host)
	case errors.As(err, &other):
		return &sshError{fmt.Sprintf("the host key of %s has changed: it shows %s, git.known_hosts_file has another; ask who runs the host, then correct the file", name, print)}
	default:
		return &sshError{fmt.Sprintf("the host key of %s is refused; check git.known_hosts_file", name)}
	}
}

func unknownHost(host string) error {
	return &sshError{fmt.Sprintf("the host key of %s is not known; add it to git.known_hosts_file after comparing it with what the host's owner publishes",
		knownhosts.Normalize(host))}
}

// loginError tells a refused login from other faults of a connection.
func loginError(host string, err error) error {
	var known *sshError
	switch {
	case errors.As(err, &known):
		return known
	case strings.Contains(err.Error(), "unable to authenticate"):
		return &sshError{fmt.Sprintf("%s does not accept the key in git.ssh_key_file; add its public half there", host)}
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return &sshError{fmt.Sprintf("%s has no host key of the kinds in git.known_hosts_file; ask who runs the host, then add its key", host)}
	default:
		return fmt.Errorf("ssh: %w", err)
	}
}
