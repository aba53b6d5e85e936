package kubetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// users are all that the API server knows. The control plane's own programs have names of their own, so that an audit
// event or a managedFields entry says who wrote, but not the rights of a hardened cluster: they are masters.
var users = []struct{ name, group string }{
	{"admin", "system:masters"},
	{"rondo", ""},   // only what a test grants by RBAC
	{"mallory", ""}, // nothing, by agreement
	{"system:kube-controller-manager", "system:masters"},
	{"system:kube-scheduler", "system:masters"},
	{"kwok", "system:masters"},
}

// identity is what a control plane proves itself and knows others by. All of it is made anew at each start.
type identity struct {
	server string            // https://127.0.0.1:port
	ca     []byte            // PEM
	tokens map[string]string // by user
}

// newIdentity writes ca.crt, server.crt, server.key, service-accounts.key and tokens.csv into dir.
func newIdentity(dir string, port int) (*identity, error) {
	id := &identity{server: fmt.Sprintf("https://127.0.0.1:%d", port), tokens: map[string]string{}}
	var csv strings.Builder
	for _, user := range users {
		id.tokens[user.name] = rand.Text()
		fmt.Fprintf(&csv, "%s,%s,uid-%s,%q\n", id.tokens[user.name], user.name, user.name, user.group)
	}

	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kubetest"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(7 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", "kubernetes.default.svc"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	// Elliptic keys: making RSA ones would take longer than starting etcd.
	var keys [3]*ecdsa.PrivateKey
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	caDER, err1 := x509.CreateCertificate(rand.Reader, authority, authority, keys[0].Public(), keys[0])
	serverDER, err2 := x509.CreateCertificate(rand.Reader, server, authority, keys[1].Public(), keys[0])
	serverKey, err3 := x509.MarshalPKCS8PrivateKey(keys[1])
	accountKey, err4 := x509.MarshalECPrivateKey(keys[2])
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	id.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	for name, content := range map[string][]byte{
		"ca.crt":               id.ca,
		"server.crt":           pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: serverDER}),
		"server.key":           pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: serverKey}),
		"service-accounts.key": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: accountKey}),
		"tokens.csv":           []byte(csv.String()),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return id, nil
}

// config returns a client configuration without client-side throttling. It panics on a name that is not in users,
// because only a mistake in a test can give one.
func (id *identity) config(user string) *rest.Config {
	return &rest.Config{
		Host:            id.server,
		BearerToken:     id.token(user),
		TLSClientConfig: rest.TLSClientConfig{CAData: slices.Clone(id.ca)},
		QPS:             -1,
	}
}

func (id *identity) token(user string) string {
	token, ok := id.tokens[user]
	if !ok {
		panic(fmt.Sprintf("kubetest: no user %q; there are admin, rondo and mallory", user))
	}
	return token
}

// writeKubeconfig writes a kubeconfig with one context per name, the first of them current.
func (id *identity) writeKubeconfig(path string, names ...string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["kubetest"] = &clientcmdapi.Cluster{Server: id.server, CertificateAuthorityData: id.ca}
	for _, name := range names {
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: id.token(name)}
		config.Contexts[name] = &clientcmdapi.Context{Cluster: "kubetest", AuthInfo: name}
	}
	config.CurrentContext = names[0]
	return clientcmd.WriteToFile(*config, path)
}
