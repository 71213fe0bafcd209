//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// profilingSource is a file that the build sees in cmd/doorward and that lies nowhere: the server
// itself has no door for a profiler.
const profilingSource = `package main

import (
	"net/http"
	_ "net/http/pprof"
	"os"
)

func init() {
	if addr := os.Getenv("BENCH_PPROF_ADDR"); addr != "" {
		go http.ListenAndServe(addr, nil)
	}
}
`

// profilingOverlay writes what `go build -overlay` takes.
func (b *bench) profilingOverlay(root string) (string, error) {
	source, overlay := filepath.Join(b.folder, "profiling.go"), filepath.Join(b.folder, "overlay.json")
	text, err := json.Marshal(map[string]any{
		"Replace": map[string]string{filepath.Join(root, "cmd", "doorward", "bench_profiling.go"): source},
	})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(source, []byte(profilingSource), 0o600); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// takeProfiles writes a CPU profile of the server under each kind of load, its flame graph, and the heap after.
func (b *bench) takeProfiles(ctx context.Context, s *scene) error {
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	s.world.extraEnv = []string{"BENCH_PPROF_ADDR=" + addr.String()}
	if _, err := s.world.restart(ctx); err != nil {
		return err
	}
	t := s.target()
	reads := func(k *contract, list []session) *stream {
		return cycle("me", t, readers, 200, each(list, func(x session) []byte { return k.meRequest(t.host, x.access) }))
	}
	for _, k := range []struct {
		name string
		*stream
	}{
		{"me-v1", reads(v1, s.people.readers)},
		{"me-tag1", reads(tag1, s.people.classic)},
		{"junk-v1", cycle("junk", t, readers, 401, each(s.people.readers, func(x session) []byte { return v1.meRequest(t.host, forged(x.access)) }))},
		{"refresh", refreshing(t, s.people.readers)},
		{"sign-in", cycle("sign-in", t, signers, 200, signIns(t, s.people.callers))},
	} {
		base := filepath.Join(b.profile, s.engine+"-"+k.name)
		if err := b.profileUnder(ctx, k.stream, "http://"+addr.String(), base); err != nil {
			return fmt.Errorf("profile %s: %w", k.name, err)
		}
		if err := drawProfile(ctx, base, fmt.Sprintf("%s on %s, %d answers in %v", k.name, s.engine, k.done, b.Window)); err != nil {
			return err
		}
		b.say("wrote %s.svg (a flame graph), .top.txt, .cpu.pprof and .heap.pprof (%d answers)", base, k.done)
	}
	return s.world.stop()
}

func (b *bench) profileUnder(ctx context.Context, s *stream, base, file string) error {
	g, err := newGenerator(s)
	if err != nil {
		return err
	}
	defer g.close()
	if err := g.run(ctx, b.Warm, nil); err != nil {
		return err
	}
	seconds := max(1, int(b.Window/time.Second))
	fetched := make(chan error, 1)
	go func() {
		fetched <- download(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", base, seconds), file+".cpu.pprof")
	}()
	if err := g.run(ctx, time.Duration(seconds)*time.Second, nil); err != nil {
		return err
	}
	if err := g.drain(ctx); err != nil {
		return err
	}
	if err := <-fetched; err != nil {
		return err
	}
	return download(ctx, base+"/debug/pprof/heap?gc=1", file+".heap.pprof")
}

func download(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(out, res.Body)
	return err
}
