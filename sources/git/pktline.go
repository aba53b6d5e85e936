package git

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxPacket is the longest pkt-line, its four length digits included (gitprotocol-common: LARGE_PACKET_MAX).
const maxPacket = 65520

// errTruncated is an answer that ends too early.
var errTruncated = errors.New("the server's answer is truncated")

// kind is what a pkt-line is.
type kind int

const (
	data  kind = iota
	flush      // 0000: end of a message
	delim      // 0001: end of a section
	final      // 0002: end of a stateless response
)

// packets reads pkt-lines (gitprotocol-common).
type packets struct {
	r   *bufio.Reader
	buf []byte
}

func newPackets(r io.Reader) *packets {
	return &packets{r: bufio.NewReader(r), buf: make([]byte, 0, 1024)}
}

// next reads one pkt-line. The bytes are valid until the following call. The error is io.EOF only between two lines.
func (p *packets) next() (kind, []byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err == io.ErrUnexpectedEOF {
		return 0, nil, errTruncated
	} else if err != nil {
		return 0, nil, err
	}
	n := 0
	for _, c := range head {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | int(c-'a'+10)
		case 'A' <= c && c <= 'F':
			n = n<<4 | int(c-'A'+10)
		default:
			return 0, nil, fmt.Errorf("%q is no length of a pkt-line", head)
		}
	}
	switch {
	case n <= int(final-flush):
		return flush + kind(n), nil, nil
	case n < len(head) || n > maxPacket:
		return 0, nil, fmt.Errorf("pkt-line of %d bytes", n)
	}
	n -= len(head)
	if cap(p.buf) < n {
		p.buf = make([]byte, n)
	}
	p.buf = p.buf[:n]
	if _, err := io.ReadFull(p.r, p.buf); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errTruncated, err)
	}
	return data, p.buf, nil
}

// line reads a pkt-line of text without its newline. An ERR line becomes the error.
func (p *packets) line() (kind, string, error) {
	k, b, err := p.next()
	if err != nil {
		return 0, "", err
	}
	s := string(bytes.TrimSuffix(b, []byte("\n")))
	if text, ok := strings.CutPrefix(s, "ERR "); ok && k == data {
		return 0, "", &serverError{text}
	}
	return k, s, nil
}

// serverError is what the server itself said, in words of its own.
type serverError struct{ text string }

// Error quotes the text and cuts it: it comes from outside and goes to logs and statuses.
func (e *serverError) Error() string {
	text := e.text
	if len(text) > 200 {
		text = text[:200]
	}
	return fmt.Sprintf("the server says %q", strings.TrimSpace(text))
}

// message builds a request out of pkt-lines.
type message struct{ bytes.Buffer }

func (m *message) line(format string, args ...any) {
	s := fmt.Sprintf(format, args...) + "\n"
	fmt.Fprintf(m, "%04x%s", len(s)+4, s)
}

func (m *message) flush() { m.WriteString("0000") }
func (m *message) delim() { m.WriteString("0001") }

// sideband is the pack inside a multiplexed response: band 1 is data, 2 progress, 3 the server's last words.
type sideband struct {
	p    *packets
	rest []byte
	done bool
}

func (s *sideband) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.done {
			return 0, io.EOF
		}
		k, line, err := s.p.next()
		switch {
		case err == io.EOF:
			return 0, errTruncated
		case err != nil:
			return 0, err
		case k != data:
			s.done = true
			continue
		case len(line) == 0:
			return 0, fmt.Errorf("pkt-line without a band")
		}
		switch line[0] {
		case 1:
			s.rest = line[1:]
		case 'A', 'N', 'E': // ACK and NAK of version 0, before the pack; ERR instead of it
			if text, ok := strings.CutPrefix(string(line), "ERR "); ok {
				return 0, &serverError{text}
			}
		case 2:
		case 3:
			return 0, &serverError{string(line[1:])}
		default:
			return 0, fmt.Errorf("pkt-line of band %d", line[0])
		}
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
