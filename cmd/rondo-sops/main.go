// Command rondo-sops decrypts one file that was encrypted with SOPS for age
// recipients. It reads a request as JSON on standard input and answers as JSON
// on standard output; neither its arguments nor its environment hold a secret,
// and it opens no file and no connection.
//
// It is a module and a process of its own because the library links the clients
// of three clouds, of which the daemon wants neither the code nor the start-up.
// For the same reason a file with any other kind of key than age is refused
// before the library could ask a key service for it: the file belongs to a
// tenant, and with it the address of that service.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/stores/dotenv"
	storejson "github.com/getsops/sops/v3/stores/json"
	"github.com/getsops/sops/v3/stores/yaml"
	"github.com/sirupsen/logrus"
)

// maxRequest bounds what is read: a file of a repository and some keys.
const maxRequest = 4 << 20

// request is what is asked for; render/sops writes it.
type request struct {
	Format     string `json:"format"` // "dotenv", "yaml" or "json"
	Data       []byte `json:"data"`
	Identities string `json:"identities"` // age keys, a line each
}

// answer holds either Values or Fault, a clause that may be shown to anybody.
type answer struct {
	Values map[string]string `json:"values"`
	Fault  string            `json:"fault,omitempty"`
}

func main() {
	log.SetFlags(0)
	logrus.SetOutput(io.Discard)
	var in request
	if err := json.NewDecoder(io.LimitReader(os.Stdin, maxRequest)).Decode(&in); err != nil {
		log.Fatal("the request is not one") // the error would quote it
	}
	var out answer
	values, err := decrypt(in)
	if out.Values = values; err != nil {
		out = answer{Fault: err.Error()}
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		log.Fatal("the answer cannot be written")
	}
}

// decrypt gives the values of a flat file. Its errors hold no content.
func decrypt(in request) (map[string]string, error) {
	var store sops.EncryptedFileLoader
	stores := config.NewStoresConfig()
	switch in.Format {
	case "dotenv":
		store = dotenv.NewStore(&stores.Dotenv)
	case "yaml":
		store = yaml.NewStore(&stores.YAML)
	case "json":
		store = storejson.NewStore(&stores.JSON)
	default:
		return nil, errors.New("has a format that is not known")
	}
	tree, err := store.LoadEncryptedFile(in.Data)
	if err != nil {
		return nil, errors.New("is not a file that SOPS has encrypted")
	}
	key, err := dataKey(tree.Metadata, in.Identities)
	if err != nil {
		return nil, err
	}
	cipher := aes.NewCipher()
	mac, err := tree.Decrypt(key, cipher)
	if err != nil {
		return nil, errors.New("was changed after it was encrypted")
	}
	want, err := cipher.Decrypt(tree.Metadata.MessageAuthenticationCode, key, tree.Metadata.LastModified.Format(time.RFC3339))
	if err != nil || want != mac {
		return nil, errors.New("was changed after it was encrypted")
	}
	return flat(tree.Branches)
}

// dataKey opens the key of the file with one of the identities.
func dataKey(meta sops.Metadata, identities string) ([]byte, error) {
	if len(meta.KeyGroups) != 1 {
		return nil, errors.New("needs several groups of keys")
	}
	var known age.ParsedIdentities
	for line := range strings.Lines(identities) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := known.Import(line); err != nil {
			return nil, errors.New("cannot be decrypted: the operator's age key is none")
		}
	}
	if len(known) == 0 { // with none the library would look for some itself
		return nil, errors.New("cannot be decrypted: the operator has no age key")
	}
	var recipients []string
	for _, master := range meta.KeyGroups[0] {
		key, ok := master.(*age.MasterKey)
		if !ok {
			continue
		}
		recipients = append(recipients, key.Recipient)
		known.ApplyToMasterKey(key)
		if data, err := key.Decrypt(); err == nil {
			return data, nil
		}
	}
	if len(recipients) == 0 {
		return nil, errors.New("is encrypted for no age recipient, the only kind that is read")
	}
	if len(recipients) > 3 {
		recipients = append(recipients[:3], "…")
	}
	return nil, fmt.Errorf("is encrypted for %s, of which the operator has no key", strings.Join(recipients, ", "))
}

// flat gives names and values; comments have none.
func flat(branches sops.TreeBranches) (map[string]string, error) {
	if len(branches) != 1 {
		return nil, errors.New("holds several documents")
	}
	out := map[string]string{}
	for _, item := range branches[0] {
		name, isName := item.Key.(string)
		if !isName {
			continue // a comment
		}
		switch v := item.Value.(type) {
		case string:
			out[name] = v
		case int:
			out[name] = strconv.Itoa(v)
		case bool:
			out[name] = strconv.FormatBool(v)
		case float64:
			out[name] = strconv.FormatFloat(v, 'f', -1, 64)
		case nil:
			out[name] = ""
		default:
			return nil, errors.New("holds more than names and values: no nesting is read")
		}
	}
	return out, nil
}
