package data_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/manifest"
)

func TestExternalDatabases(t *testing.T) {
	for name, tc := range map[string]struct {
		db   manifest.Database
		want []string // "Kind/name spec" or the whole without metadata
	}{
		"known by its Secret only": {
			db: manifest.Database{Engine: "postgresql", Group: "default", Root: true, DSNSecret: "pg"},
		},
		"a DNS name": {
			db:   manifest.Database{Engine: "mysql", Group: "Big_Reports", Host: "DB.example.org", Port: 3306},
			want: []string{`Service/mysql-big-reports {"externalName":"db.example.org","type":"ExternalName"}`},
		},
		"the default group has the engine's name too": {
			db: manifest.Database{Engine: "mysql", Group: "default", Root: true, Host: "db.example.org"},
			want: []string{
				`Service/mysql-default {"externalName":"db.example.org","type":"ExternalName"}`,
				`Service/mysql {"externalName":"db.example.org","type":"ExternalName"}`},
		},
		"an IPv4 address": {
			db: manifest.Database{Engine: "redis", Group: "default", Host: "10.1.2.3", Port: 6379},
			want: []string{
				`EndpointSlice/redis-default-ipv4 IPv4 [{"addresses":["10.1.2.3"],"conditions":{"ready":true}}] [{"name":"redis","port":6379,"protocol":"TCP"}]`,
				`Service/redis-default {"clusterIP":"None","ports":[{"name":"redis","port":6379,"protocol":"TCP"}]}`},
		},
		"an IPv4 address in IPv6 clothes": {
			db: manifest.Database{Engine: "redis", Group: "a", Host: "::ffff:192.0.2.1", Port: 1},
			want: []string{
				`EndpointSlice/redis-a-ipv4 IPv4 [{"addresses":["192.0.2.1"],"conditions":{"ready":true}}] [{"name":"redis","port":1,"protocol":"TCP"}]`,
				`Service/redis-a {"clusterIP":"None","ports":[{"name":"redis","port":1,"protocol":"TCP"}]}`},
		},
		"an IPv6 address": {
			db: manifest.Database{Engine: "redis", Group: "default", Host: "2001:db8::1", Port: 6379},
			want: []string{
				`EndpointSlice/redis-default-ipv6 IPv6 [{"addresses":["2001:db8::1"],"conditions":{"ready":true}}] [{"name":"redis","port":6379,"protocol":"TCP"}]`,
				`Service/redis-default {"clusterIP":"None","ports":[{"name":"redis","port":6379,"protocol":"TCP"}]}`},
		},
		"a service of the own namespace": {
			db:   manifest.Database{Engine: "redis", Group: "default", Host: "cache.shop.svc.cluster.local"},
			want: []string{`Service/redis-default {"externalName":"cache.shop.svc.cluster.local","type":"ExternalName"}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects, problems := data.Objects(&manifest.Application{Namespace: "shop"}, tc.db)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			var got []string
			for _, o := range objects {
				line := []string{o.Body["kind"].(string) + "/" + o.Body["metadata"].(map[string]any)["name"].(string)}
				if family, ok := o.Body["addressType"].(string); ok {
					line = append(line, family)
				}
				for _, field := range []string{"spec", "endpoints", "ports"} {
					if o.Body[field] == nil {
						continue
					}
					b, err := json.Marshal(o.Body[field])
					if err != nil {
						t.Fatal(err)
					}
					line = append(line, string(b))
				}
				if o.Stage != render.StageData {
					t.Errorf("%s is applied at stage %s, not before workloads", line[0], o.Stage)
				}
				got = append(got, strings.Join(line, " "))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestT22_DatabaseHostsLeadOutOfTheCluster(t *testing.T) {
	for host, why := range map[string]string{
		"pg.other.svc":                    "another namespace",
		"pg.other.svc.":                   "another namespace",
		"PG.other.SVC.cluster.local":      "another namespace",
		"pg-0.pg.other.svc.example":       "another namespace",
		"localhost":                       "every machine's own",
		"127.0.0.1":                       "this machine or link",
		"::ffff:127.0.0.1":                "this machine or link",
		"169.254.169.254":                 "this machine or link",
		"fe80::1%eth0":                    "this machine or link",
		"0.0.0.0":                         "this machine or link",
		"pg_1.example.org":                "neither a DNS name",
		"https://pg.example.org":          "neither a DNS name",
		strings.Repeat("a.", 127) + "org": "neither a DNS name",
	} {
		objects, problems := data.Objects(&manifest.Application{Namespace: "shop"}, manifest.Database{Engine: "postgresql", Group: "default", Host: host, Port: 1})
		if len(objects) > 0 || len(problems) != 1 || !problems[0].IsError() || !strings.Contains(problems[0].What, why) {
			t.Errorf("host %s: %d objects, problems %v; want one about %q", host, len(objects), problems, why)
		}
	}
}
