package git_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/git"
	"rondo.dev/rondo/sources/gittest"
)

// manyRefs fills a repository with n refs, of branches and pull requests half each, besides main.
func manyRefs(r *gittest.Repo, n int) (main string) {
	main = r.Commit(map[string]string{"f": "1"})
	refs := map[string]string{}
	for i := range n / 2 {
		refs[fmt.Sprintf("refs/heads/topic/%06d", i)] = main
		refs[fmt.Sprintf("refs/pull/%d/head", i)] = main
	}
	r.AddRefs(refs)
	return main
}

func TestResolveOfManyRefsCostsTwoKilobytes(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	want := manyRefs(repo, 50_000)
	s := newStore(t)
	for name, tc := range map[string]struct{ ref, want string }{
		"a branch":         {"main", want},
		"a pull request":   {"pull/24999/head", want},
		"what is not":      {"release", ""},
		"what is not, too": {"tags/v1", ""},
	} {
		before := srv.Traffic()
		rev, err := s.Resolve(t.Context(), repoOf(t, repo), tc.ref)
		cost := srv.Traffic().Sub(before)
		if rev.Hash != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: %v, %v", name, rev, err)
		}
		if cost.Requests != 1 || cost.Sent+cost.Received > 2<<10 {
			t.Errorf("%s cost %+v, want one request and 2 KiB", name, cost)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	srv := gittest.New(b)
	repo := srv.Repo("r")
	manyRefs(repo, 50_000)
	s, at := newStore(b), repoOf(b, repo)
	before := srv.Traffic()
	for b.Loop() {
		if _, err := s.Resolve(b.Context(), at, "main"); err != nil {
			b.Fatal(err)
		}
	}
	cost := srv.Traffic().Sub(before)
	b.ReportMetric(float64(cost.Sent+cost.Received)/float64(b.N), "wire-B/op")
}

// BenchmarkFetchIncremental pushes one small change at a time to a repository of RONDO_BENCH_FILES files (default 1,000)
// of RONDO_BENCH_KB KiB each (default 4) that do not compress, and opens it.
func BenchmarkFetchIncremental(b *testing.B) {
	number := func(name string, value int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			value = n
		}
		return value
	}
	files, size := number("RONDO_BENCH_FILES", 1000), number("RONDO_BENCH_KB", 4)<<10
	srv := gittest.New(b)
	repo := srv.Repo("r")
	tree := map[string]string{}
	for i := range files {
		tree[fmt.Sprintf("d%d/f%d", i%100, i)] = string(noise(size, uint32(i)))
		if len(tree) == 200 || i == files-1 { // in steps, to spare memory
			repo.Commit(tree)
			clear(tree)
		}
	}
	s, at := newStore(b), repoOf(b, repo)
	open1(b, s, at, repo.Commit(map[string]string{"change": "first"}), "first") // the clone is not measured
	var cost gittest.Traffic
	n := 0
	for b.Loop() {
		b.StopTimer()
		hash := repo.Commit(map[string]string{"change": fmt.Sprint(n)})
		before := srv.Traffic()
		b.StartTimer()
		open1(b, s, at, hash, fmt.Sprint(n))
		b.StopTimer()
		d := srv.Traffic().Sub(before)
		cost.Sent, cost.Received = cost.Sent+d.Sent, cost.Received+d.Received
		n++
		b.StartTimer()
	}
	b.ReportMetric(float64(cost.Sent+cost.Received)/float64(n), "wire-B/op")
}

func open1(b *testing.B, s *git.Store, at sources.Repo, hash, want string) {
	snap, err := s.Open(b.Context(), at, sources.Revision{Ref: "main", Hash: hash})
	if err != nil {
		b.Fatal(err)
	}
	defer snap.Close()
	wantFile(b, snap, "change", want)
}
