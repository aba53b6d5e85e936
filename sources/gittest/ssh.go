package gittest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// SSH serves the repositories of a [Server] over ssh as well: git's own upload-pack, at the end of a real handshake.
type SSH struct {
	Addr    string // host and port
	HostKey ssh.Signer
	KeyFile string // a private key that the server lets in

	server *Server
	config *ssh.ServerConfig
	env    bool
	listen net.Listener
	wait   sync.WaitGroup

	mu       sync.Mutex
	commands []string
	conns    map[net.Conn]bool
}

// ServeSSH listens until the test ends. Without env it takes no variables from clients, as sshd does by default.
func (s *Server) ServeSSH(t testing.TB, env bool) *SSH {
	t.Helper()
	dir := t.TempDir()
	client, err := newKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	host, err := newKey(filepath.Join(dir, "host"))
	if err != nil {
		t.Fatal(err)
	}
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.PublicKey().Marshal()) {
			return nil, fmt.Errorf("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	served := &SSH{
		Addr: listen.Addr().String(), HostKey: host, KeyFile: filepath.Join(dir, "key"),
		server: s, config: config, env: env, listen: listen, conns: map[net.Conn]bool{},
	}
	served.wait.Go(served.accept)
	t.Cleanup(served.close)
	return served
}

// newKey makes an ed25519 key and writes its private half.
func newKey(file string) (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}

// URL is the address of a repository for the user git.
func (s *SSH) URL(repo string) string { return "ssh://git@" + s.Addr + "/" + repo }

// Commands are the commands that clients ran, as they were sent.
func (s *SSH) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commands...)
}

func (s *SSH) close() {
	s.listen.Close()
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.wait.Wait()
}

func (s *SSH) accept() {
	for {
		conn, err := s.listen.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = true
		s.mu.Unlock()
		s.wait.Go(func() {
			defer conn.Close()
			s.serve(conn)
		})
	}
}

func (s *SSH) serve(conn net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return // a client that does not trust us, or that we do not trust
	}
	s.wait.Go(func() { ssh.DiscardRequests(requests) })
	for channel := range channels {
		if channel.ChannelType() != "session" {
			_ = channel.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		if c, requests, err := channel.Accept(); err == nil {
			s.session(c, requests)
		}
	}
}

// session answers the requests of a session until its command has ended.
func (s *SSH) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	var env []string
	for request := range requests {
		switch request.Type {
		case "env":
			var variable struct{ Name, Value string }
			ok := s.env && ssh.Unmarshal(request.Payload, &variable) == nil && variable.Name == "GIT_PROTOCOL"
			if ok {
				env = append(env, variable.Name+"="+variable.Value)
			}
			_ = request.Reply(ok, nil)
		case "exec":
			var command struct{ Text string }
			if ssh.Unmarshal(request.Payload, &command) != nil {
				_ = request.Reply(false, nil)
				continue
			}
			_ = request.Reply(true, nil)
			s.wait.Go(func() { ssh.DiscardRequests(requests) })
			status := s.run(command.Text, env, channel)
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
			return
		default:
			_ = request.Reply(false, nil)
		}
	}
}

// run is git-upload-pack for a path below the server's folder. No shell runs: a path is taken as it stands between the quotes.
func (s *SSH) run(command string, env []string, channel ssh.Channel) (status uint32) {
	s.mu.Lock()
	s.commands = append(s.commands, command)
	s.mu.Unlock()
	quoted, ok := strings.CutPrefix(command, "git-upload-pack ")
	if !ok {
		fmt.Fprintln(channel.Stderr(), "only git-upload-pack")
		return 1
	}
	path := strings.TrimSuffix(strings.TrimPrefix(quoted, "'"), "'")
	cmd := exec.Command(s.server.git, "upload-pack", filepath.Join(s.server.dir, filepath.Clean("/"+path)))
	cmd.Env = append(s.server.env(), env...)
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return 1
	}
	s.wait.Go(func() {
		_, _ = io.Copy(in, channel)
		in.Close()
	})
	if cmd.Wait() != nil {
		return 128
	}
	return 0
}
