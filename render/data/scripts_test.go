package data

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stage is a folder of an unprivileged user, whom servers run as: they refuse root.
type stage struct {
	*testing.T
	folder string
	env    []string
	user   *syscall.Credential // nil: whoever runs the test
}

// nobody is the user of last resort on every Linux.
const nobody = 65534

// newStage skips the test where programs are missing, but not where CI is to have them.
func newStage(t *testing.T, programs ...string) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real servers")
	}
	path := os.Getenv("PATH")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin"); len(found) > 0 {
		path = found[len(found)-1] + ":" + path
	}
	t.Setenv("PATH", path)
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skipf("there is no %s; on Debian: apt-get install postgresql redis-server", program)
		}
	}
	folder, err := os.MkdirTemp("", "rondo-data")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	s := &stage{T: t, folder: folder}
	if os.Geteuid() == 0 {
		s.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	s.env = []string{"PATH=" + path, "HOME=" + folder, "TMPDIR=" + folder, "LC_ALL=C.UTF-8", "REPORT=" + filepath.Join(folder, "report")}
	entries, err := files.ReadDir("scripts")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		s.write("scripts/"+entry.Name(), script(entry.Name()))
	}
	s.write("backup/.keep", "")
	return s
}

// write makes a file that the stage's user owns, its folder too.
func (s *stage) write(name, text string) string {
	s.Helper()
	path := filepath.Join(s.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		s.Fatal(err)
	}
	if s.user != nil {
		for _, p := range []string{s.folder, filepath.Dir(path), path} {
			if err := os.Chown(p, nobody, nobody); err != nil {
				s.Fatal(err)
			}
		}
	}
	return path
}

func (s *stage) command(env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.Context(), name, args...)
	cmd.Dir, cmd.Env = s.folder, append(s.env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	return cmd
}

// try runs a command to its end and gives all that it printed.
func (s *stage) try(env []string, name string, args ...string) (string, error) {
	out, err := s.command(env, name, args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (s *stage) must(env []string, name string, args ...string) string {
	s.Helper()
	out, err := s.try(env, name, args...)
	if err != nil {
		s.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// fails runs a command that must end with an error and say why.
func (s *stage) fails(want string, env []string, name string, args ...string) {
	s.Helper()
	out, err := s.try(env, name, args...)
	if err == nil || !strings.Contains(out, want) {
		s.Errorf("%s %q: %v; want an error and %q in\n%s", name, args, err, want, out)
	}
}

// copies lists the copies, oldest first, without their checksums.
func (s *stage) copies() []string {
	s.Helper()
	found, err := filepath.Glob(filepath.Join(s.folder, "backup", "*.sha256"))
	if err != nil {
		s.Fatal(err)
	}
	for i := range found {
		found[i] = strings.TrimSuffix(found[i], ".sha256")
	}
	return found
}

// freePort is a port of loopback that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// aSecondLater waits for the next second: copies are told apart by it.
func aSecondLater() { time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) }

// postgres is a server made as the official image makes it: a temporary one
// without TCP for the script, then the real one.
func newPostgres(t *testing.T) (s *stage, env []string) {
	s = newStage(t, "initdb", "pg_ctl", "psql", "pg_dump", "openssl", "bash")
	port, pgdata := freePort(t), filepath.Join(s.folder, "pgdata")
	env = []string{"ENGINE=postgresql", "DB_HOST=127.0.0.1", "DB_PORT=" + port, "DB_NAME=shop_production", "PGDATA=" + pgdata,
		"POSTGRES_USER=postgres", "ADMIN_USERNAME=postgres", "ADMIN_PASSWORD=admin-word", "APP_USERNAME=u0123", "APP_PASSWORD=app-'word", "APP_DATABASE=shop_production",
		"REPLICATION_USERNAME=replicator", "REPLICATION_PASSWORD=replication-word",
		"BACKUP_NAME=backup", "BACKUP_FOLDER=" + filepath.Join(s.folder, "backup"), "BACKUP_KEEP=2", "BACKUP_TYPE=text", "BACKUP_GZIP=true", "BACKUP_CHECK_SIZE=true"}
	word := s.write("word", "admin-word")
	s.must(nil, "initdb", "--pgdata", pgdata, "--username", "postgres", "--pwfile", word, "--no-sync")
	log := filepath.Join(s.folder, "log")
	options := "-c port=" + port + " -c unix_socket_directories=" + s.folder + " -c fsync=off"
	s.must(nil, "pg_ctl", "--pgdata", pgdata, "--wait", "--log", log, "--options", options+" -c listen_addresses=", "start")
	s.must(append(env, "PGHOST="+s.folder, "PGPORT="+port, "APP_EXTENSIONS=plpgsql not_there"), filepath.Join(s.folder, "scripts/postgresql-init.sh"))
	s.must(nil, "pg_ctl", "--pgdata", pgdata, "--wait", "--mode", "fast", "stop")
	hba, err := os.OpenFile(filepath.Join(pgdata, "pg_hba.conf"), os.O_APPEND|os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer hba.Close()
	// What initdb trusts on loopback must ask for passwords here, as in a Pod.
	text, err := os.ReadFile(hba.Name())
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.Count(string(text), "host replication replicator all scram-sha-256\n")
	if ours != 1 {
		t.Errorf("pg_hba.conf lets the replication user in %d times:\n%s", ours, text)
	}
	if err := os.WriteFile(hba.Name(), []byte("host replication replicator all scram-sha-256\nhost all all all scram-sha-256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must(nil, "pg_ctl", "--pgdata", pgdata, "--wait", "--log", log, "--options", options+" -c listen_addresses=127.0.0.1", "start")
	t.Cleanup(func() {
		cmd := exec.Command("pg_ctl", "--pgdata", pgdata, "--mode", "immediate", "stop")
		cmd.Dir, cmd.SysProcAttr = s.folder, &syscall.SysProcAttr{Credential: s.user}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return s, env
}

// query asks as one of the users, over TCP with a password.
func (s *stage) query(env []string, user, password, database, sql string) (string, error) {
	return s.try(append(env, "PGPASSWORD="+password), "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", valueOf(env, "DB_PORT"), "-U", user, "-d", database, "-c", sql)
}

func valueOf(env []string, name string) string {
	for _, entry := range env {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			return v
		}
	}
	return ""
}

func TestPostgreSQLHasThreeUsersWhoMayDoWhatTheyAreFor(t *testing.T) {
	s, env := newPostgres(t)
	const app, db = "u0123", "shop_production"
	for name, tc := range map[string]struct{ user, word, database, sql, want string }{
		"the application owns its database":    {app, "app-'word", db, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()", app},
		"and makes what it likes in it":        {app, "app-'word", db, "CREATE SCHEMA s; CREATE TABLE s.a (id serial PRIMARY KEY); SELECT 1", "1"},
		"the administrator may do everything":  {"postgres", "admin-word", db, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user", "t"},
		"replication is no administrator":      {"postgres", "admin-word", db, "SELECT rolreplication, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'replicator'", "t|f|f"},
		"the application is none either":       {app, "app-'word", db, "SELECT rolreplication, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user", "f|f|f|f"},
		"replication cannot read the database": {"replicator", "replication-word", db, "SELECT 1", "permission denied for database"},
		"a wrong password opens nothing":       {app, "x", db, "SELECT 1", "password authentication failed"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.query(env, tc.user, tc.word, tc.database, tc.sql)
			if got != tc.want && (err == nil || !strings.Contains(got, tc.want)) {
				t.Errorf("%q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

// data that a restore must bring back exactly: text that looks like SQL, types
// and routines of one's own, an identity, a comment, a sequence.
const exotic = `
CREATE TYPE mood AS ENUM ('sad', 'merry');
CREATE SCHEMA extra;
CREATE TABLE things (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, word text, mood mood);
COMMENT ON TABLE things IS 'of all sorts';
INSERT INTO things (word, mood) VALUES ('CREATE EXTENSION x;', 'merry'), (E'tab\tline\n\\. ü', 'sad');
CREATE VIEW merry AS SELECT * FROM things WHERE mood = 'merry';
CREATE TABLE extra.scratch (n serial);
CREATE FUNCTION three() RETURNS int LANGUAGE sql AS 'SELECT 3';
CREATE TABLE logs (line text);
INSERT INTO logs VALUES ('x');`

// ask runs SQL as the application's user.
func (s *stage) ask(env []string, sql string) string {
	s.Helper()
	out, err := s.query(env, "u0123", "app-'word", "shop_production", sql)
	if err != nil {
		s.Fatalf("%s: %v\n%s", sql, err, out)
	}
	return out
}

func TestPostgreSQLComesBackFromACopy(t *testing.T) {
	s, env := newPostgres(t)
	ask := func(sql string) string { return s.ask(env, sql) }
	backup, restore := filepath.Join(s.folder, "scripts/backup.sh"), filepath.Join(s.folder, "scripts/restore.sh")
	ask(exotic)
	const state = "SELECT id, word, mood FROM things ORDER BY id"
	before := ask(state)
	mark := filepath.Join(s.folder, "mark")
	out := s.must(append(env, "BACKUP_KEY=key word", "BACKUP_EXCLUDE=logs", "PRE_BACKUP_COMMAND=echo pre >>"+mark, "POST_BACKUP_COMMAND=basename $BACKUP_FILE >>"+mark), "bash", backup)
	first := s.copies()[0]
	if name := filepath.Base(first); !strings.HasSuffix(name, "Z.sql.gz.enc") || !strings.Contains(out, `"file":"`+name+`"`) {
		t.Errorf("%s: %s", name, out)
	}
	if marks, _ := os.ReadFile(mark); string(marks) != "pre\n"+filepath.Base(first)+"\n" {
		t.Errorf("commands around the backup left %q", marks)
	}
	if b, err := os.ReadFile(first); err != nil || bytes.Contains(b, []byte("CREATE TABLE")) || !bytes.HasPrefix(b, []byte("Salted__")) {
		t.Errorf("the copy is not encrypted: %v %.20q", err, b)
	}

	ask("DROP VIEW merry; DELETE FROM things; DROP FUNCTION three(); DROP TABLE logs")
	if out, err := s.try(env, "bash", restore); err == nil {
		t.Errorf("a copy is read without its key: %s", out)
	}
	if got := ask("SELECT count(*) FROM things"); got != "0" {
		t.Errorf("a restore that failed has changed the database: %s rows", got)
	}
	aSecondLater()
	out = s.must(append(env, "BACKUP_KEY=key word"), "bash", restore)
	if got := ask(state); got != before {
		t.Errorf("after the restore: %q, want %q\n%s", got, before, out)
	}
	for sql, want := range map[string]string{
		"SELECT word FROM merry":                                                         "CREATE EXTENSION x;",
		"SELECT three()":                                                                 "3",
		"SELECT obj_description('things'::regclass)":                                     "of all sorts",
		"SELECT to_regclass('logs') IS NULL":                                             "t",
		"INSERT INTO things (word) VALUES ('new') RETURNING id":                          "3",
		"INSERT INTO extra.scratch DEFAULT VALUES RETURNING n":                           "1",
		"SELECT count(*) FROM pg_database WHERE datname LIKE 'shop_production_before_%'": "1",
		"SELECT count(*) FROM pg_database WHERE datname LIKE '%_new_%'":                  "0",
	} {
		if got := ask(sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	// What only owners may do.
	ask("ALTER TYPE mood ADD VALUE 'calm'; DROP FUNCTION three(); DROP VIEW merry; DROP SCHEMA extra CASCADE")

	for range 3 {
		aSecondLater()
		s.must(env, "bash", backup)
	}
	if got := s.copies(); len(got) != 2 || got[0] == first {
		t.Errorf("two copies are to be kept: %q", got)
	}
	newest := s.copies()[1]
	b, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(newest, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s.fails("is damaged", env, "bash", restore)
	s.must(append(env, "BACKUP_FILE="+filepath.Base(s.copies()[0])), "bash", restore)
	s.fails("there is no copy", append(env, "BACKUP_FILE=../word"), "bash", restore)
}

func TestABackupThatFailsLeavesNoCopy(t *testing.T) {
	s, env := newPostgres(t)
	backup := filepath.Join(s.folder, "scripts/backup.sh")
	s.fails("could not be copied", append(env, "DB_NAME=nope", "BACKUP_CHECK_SIZE=false"), "bash", backup)
	s.fails("pre_backup_command ended with an error", append(env, "PRE_BACKUP_COMMAND=false"), "bash", backup)
	s.write("bin/df", "#!/bin/sh\nprintf 'x\\nx 1 1 1 1\\n'\n")
	s.fails("at least twice the database size", append(env, "PATH="+filepath.Join(s.folder, "bin")+":"+os.Getenv("PATH")), "bash", backup)
	if got := s.copies(); len(got) > 0 {
		t.Errorf("copies: %q", got)
	}
	left, err := filepath.Glob(filepath.Join(s.folder, "backup", ".*.part"))
	if err != nil || len(left) > 0 {
		t.Errorf("parts of copies: %q, %v", left, err)
	}
	out := s.must(append(env, "BACKUP_TYPE=binary", "BACKUP_GZIP=false"), "bash", backup)
	if copies := s.copies(); len(copies) != 1 || !strings.HasSuffix(copies[0], ".tar") {
		t.Errorf("%q: %s", copies, out)
	}
	if list := s.must(nil, "tar", "-tf", s.copies()[0]); !strings.Contains(list, "PG_VERSION") || !strings.Contains(list, "pg_wal/0") {
		t.Errorf("the physical copy holds:\n%s", list)
	}
	if report, err := os.ReadFile(filepath.Join(s.folder, "report")); err != nil || string(report) != out[strings.LastIndex(out, "\n")+1:]+"\n" {
		t.Errorf("the report is %q, %v", report, err)
	}
}

func TestACopyOfPostgreSQLIsTried(t *testing.T) {
	s, env := newPostgres(t)
	backup, verify := filepath.Join(s.folder, "scripts/backup.sh"), filepath.Join(s.folder, "scripts/verify.sh")
	s.fails("there is no copy", env, "bash", verify)
	s.must(env, "bash", backup)
	s.fails("holds no table", env, "bash", verify)
	if out, err := s.query(env, "u0123", "app-'word", "shop_production", exotic); err != nil {
		t.Fatal(out)
	}
	aSecondLater()
	s.must(env, "bash", backup)
	if out := s.must(env, "bash", verify); !strings.Contains(out, `"result":"verified"`) {
		t.Error(out)
	}
	for sql, want := range map[string]string{
		"SELECT count(*) = 2 AS result FROM things;":  `"result":"verified"`,
		"SELECT count(*) = 3 AS result FROM things;":  "did not answer true",
		"SELECT count(*) = 2 AS other FROM things;":   "must answer one row",
		"SELECT true AS result FROM things;":          "did not answer true",
		"SELECT true AS result FROM things WHERE 1=2": "must answer one row",
		"SELECT nope": "ended with an error",
	} {
		out, err := s.try(append(env, "VERIFIER="+s.write("verifier.sql", sql)), "bash", verify)
		if !strings.Contains(out, want) || (err == nil) != strings.Contains(want, "verified") {
			t.Errorf("%s: %v, want %q in\n%s", sql, err, want, out)
		}
	}
}

func TestRedisStartsWithItsPasswordAndComesBackFromACopy(t *testing.T) {
	s := newStage(t, "redis-server", "redis-cli", "bash")
	port := freePort(t)
	env := []string{"ENGINE=redis", "DB_HOST=127.0.0.1", "DB_PORT=" + port, "REDIS_PASSWORD=word", "REDISCLI_AUTH=word", "RUN_FOLDER=" + s.folder, "DATA_FOLDER=" + filepath.Join(s.folder, "data"),
		"BACKUP_NAME=backup", "BACKUP_FOLDER=" + filepath.Join(s.folder, "backup"), "BACKUP_KEEP=2", "BACKUP_TYPE=text", "BACKUP_GZIP=true", "BACKUP_CHECK_SIZE=true",
		"POD_ADDRESS=127.0.0.1", "RESTORE_PORT=" + freePort(t)}
	s.write("data/.keep", "")
	server := s.command(env, "sh", filepath.Join(s.folder, "scripts/redis-start.sh"), "--port", port, "--bind", "127.0.0.1", "--maxmemory", "64mb")
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	ask := func(args ...string) string {
		out, _ := s.try([]string{"REDISCLI_AUTH=word"}, "redis-cli", append([]string{"-p", port}, args...)...)
		return out
	}
	for end := time.Now().Add(2 * time.Minute); ask("ping") != "PONG"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not start:\n%s", log.String())
		}
	}
	if out, _ := s.try(nil, "redis-cli", "-p", port, "get", "a"); !strings.Contains(out, "NOAUTH") {
		t.Errorf("without a password: %s", out)
	}
	if got := ask("config", "get", "maxmemory"); !strings.Contains(got, fmt.Sprint(64<<20)) {
		t.Errorf("maxmemory is %s", got)
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", server.Process.Pid))
	if err == nil && bytes.Contains(args, []byte("word")) {
		t.Errorf("the arguments show the password: %q", args)
	}
	ask("set", "a", "1")
	if out := s.must(env, "bash", filepath.Join(s.folder, "scripts/backup.sh")); !strings.Contains(out, ".rdb.gz") {
		t.Error(out)
	}
	ask("set", "a", "2")
	ask("set", "b", "2")
	s.must(env, "bash", filepath.Join(s.folder, "scripts/restore.sh"))
	if a, b, role := ask("get", "a"), ask("get", "b"), ask("role"); a != "1" || b != "" || !strings.HasPrefix(role, "master") {
		t.Errorf("after the restore a is %q, b %q; the server is %q", a, b, role)
	}
}
