package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// screen writes lines with the time since the demo, and since the scene, began.
type screen struct {
	mu     sync.Mutex
	w      io.Writer
	colour bool
	start  time.Time
}

func newScreen(f *os.File) *screen {
	_, no := os.LookupEnv("NO_COLOR")
	return &screen{w: f, colour: !no && isatty.IsTerminal(f.Fd()), start: time.Now()}
}

// scene begins a part: the clock of its lines starts at zero.
func (s *screen) scene(n int, title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start = time.Now()
	fmt.Fprintf(s.w, "\n%s\n", s.paint("1", fmt.Sprintf("── scene %d: %s ", n, title)+strings.Repeat("─", max(0, 66-len(title)))))
}

func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.w, "%s  %s\n", s.paint("2", fmt.Sprintf("%8.3fs", time.Since(s.start).Seconds())), fmt.Sprintf(format, args...))
}

// block shows text as it is, indented.
func (s *screen) block(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		fmt.Fprint(s.w, "             ", line)
	}
}

// Write makes the screen a place for the progress lines of others.
func (s *screen) Write(p []byte) (int, error) {
	s.block(string(p))
	return len(p), nil
}

func (s *screen) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// state paints the state of a commit status as a forge does.
func (s *screen) state(state string) string {
	code := map[string]string{"success": "32", "failure": "31", "error": "31", "pending": "33"}[state]
	return s.paint(code, state)
}
