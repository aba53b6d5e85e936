package workload

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// settings are the variables that a ConfigMap and a Secret hold.
type settings struct{ config, secret map[string]string }

func newSettings() settings {
	return settings{config: map[string]string{}, secret: map[string]string{}}
}

func (s settings) get(name string) (text string, ok bool) {
	if text, ok = s.secret[name]; ok {
		return text, true
	}
	text, ok = s.config[name]
	return text, ok
}

func (s settings) put(v manifest.Variable, text string) {
	if v.Secret {
		s.secret[v.Name] = text
	} else {
		s.config[v.Name] = text
	}
}

// shared holds the application's variables that are plain text for every service.
func shared(vars []manifest.Variable) settings {
	s, known := newSettings(), names(vars)
	for _, v := range vars {
		if text, ok := plain(take(v.Value, known)); ok {
			s.put(v, text)
		}
	}
	return s
}

// objects makes the ConfigMap and the Secret; none for what is empty.
func (s settings) objects(configMap, secret string) []render.Object {
	var objects []render.Object
	if len(s.config) > 0 {
		data := make(map[string]any, len(s.config))
		for name, text := range s.config {
			data[name] = text
		}
		objects = append(objects, object("v1", "ConfigMap", configMap, map[string]any{"data": data}))
	}
	if len(s.secret) > 0 {
		data := make(map[string]any, len(s.secret))
		for name, text := range s.secret {
			data[name] = base64.StdEncoding.EncodeToString([]byte(text))
		}
		objects = append(objects, object("v1", "Secret", secret, map[string]any{"type": "Opaque", "data": data}))
	}
	return objects
}

// hash identifies what s holds; empty where that is nothing. Only what comes
// from the Secret is keyed.
func (s settings) hash(key []byte) string {
	if len(s.config)+len(s.secret) == 0 {
		return ""
	}
	sum := sha256.New()
	// Encoding strings cannot fail; the keys of a map come out sorted.
	_ = json.NewEncoder(sum).Encode(s.config)
	if len(s.secret) > 0 {
		mac := hmac.New(sha256.New, key)
		_ = json.NewEncoder(mac).Encode(s.secret)
		sum.Write(mac.Sum(nil))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
