package main

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The protocol of the tunnel, as core/lib/mux/frames.ts has it.
const (
	frameData   = 0
	frameOpen   = 1
	frameCredit = 2
	frameEnd    = 3
	frameReset  = 4
	framePing   = 5
	framePong   = 6

	frameHeadBytes = 8
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10

	// Without a sign of life for so long either end gives the tunnel up.
	deadMs      = 40_000
	subprotocol = "tunnel.coracle.dev/v1"
	followed    = 1
	// The server gets credit for what it has sent after this many bytes.
	creditBytes = 32 * 1024
)

// A refusal of the server, with the seconds after which it asks to come again.
type refusal struct {
	status     int
	retryAfter string
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d", r.status) }

type tunnel struct {
	// Over how long the server wants agents that lose it to come back.
	spread time.Duration

	conn   *tls.Conn
	reader *bufio.Reader
	mutex  sync.Mutex
	ping   uint32
	sentAt time.Time
	// Bytes of the feed without credit; of the reader alone.
	uncredited int
}

// Dials the server, with a full handshake, and asks for the tunnel of a node.
func dial(address string, a *agent, within time.Duration) (*tunnel, error) {
	deadline := time.Now().Add(within)
	dialer := net.Dialer{Timeout: within, LocalAddr: a.from}
	raw, err := dialer.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, a.config)
	conn.SetDeadline(deadline)
	t := &tunnel{conn: conn, reader: bufio.NewReaderSize(conn, 512)}
	if err := t.upgrade(address, a.node); err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return t, nil
}

func (t *tunnel) upgrade(address, node string) error {
	key := make([]byte, 16)
	for i := range key {
		key[i] = byte(rand.Uint32())
	}
	_, err := fmt.Fprintf(t.conn, "GET /api/v1/nodes/%s/tunnel HTTP/1.1\r\nhost: %s\r\nconnection: Upgrade\r\n"+
		"upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: %s\r\n"+
		"sec-websocket-protocol: %s\r\nuser-agent: coracle-agent/crowd\r\ncoracle-tunnel-dead-ms: %d\r\n\r\n",
		node, address, base64.StdEncoding.EncodeToString(key), subprotocol, deadMs)
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(t.reader, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 300))
		answer.Body.Close()
		return fmt.Errorf("%w: %s", &refusal{answer.StatusCode, answer.Header.Get("Retry-After")}, text)
	}
	if ms, err := strconv.Atoi(answer.Header.Get("coracle-tunnel-spread-ms")); err == nil {
		t.spread = time.Duration(ms) * time.Millisecond
	}
	return nil
}

// Sends one frame in a message of its own.
func (t *tunnel) send(kind byte, stream uint32, payload []byte) error {
	frame := make([]byte, frameHeadBytes, frameHeadBytes+len(payload))
	frame[0] = kind
	binary.BigEndian.PutUint16(frame[2:], uint16(len(payload)))
	binary.BigEndian.PutUint32(frame[4:], stream)
	return t.message(opBinary, append(frame, payload...))
}

// Sends a WebSocket message, masked as clients do.
func (t *tunnel) message(op byte, payload []byte) error {
	size := len(payload)
	head := make([]byte, 0, 14+size)
	head = append(head, 0x80|op)
	if size < 126 {
		head = append(head, 0x80|byte(size))
	} else {
		head = append(head, 0x80|126, byte(size>>8), byte(size))
	}
	mask := binary.BigEndian.AppendUint32(nil, rand.Uint32())
	head = append(head, mask...)
	for i, b := range payload {
		head = append(head, b^mask[i&3])
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	_, err := t.conn.Write(head)
	return err
}

func numbers(values ...uint32) []byte {
	var payload []byte
	for _, value := range values {
		payload = binary.BigEndian.AppendUint32(payload, value)
	}
	return payload
}

// Asks for the objects of the node, as an agent does, in a stream of the tunnel.
func (t *tunnel) follow(address, node string) error {
	if err := t.send(frameOpen, followed, []byte(`{"kind":"api"}`)); err != nil {
		return err
	}
	request := fmt.Sprintf("GET /api/v1/nodes/%s/follow?%s HTTP/1.1\r\nhost: %s\r\n\r\n", node, followQuery, address)
	return t.send(frameData, followed, []byte(request))
}

// Asks the server for a sign of life; the answer tells the round trip.
func (t *tunnel) beat(rtt time.Duration) error {
	t.mutex.Lock()
	t.ping++
	number := t.ping
	t.sentAt = time.Now()
	t.mutex.Unlock()
	return t.send(framePing, 0, numbers(number, uint32(rtt.Microseconds())))
}

// Reads until the connection ends: answers pings, gives credit, reports answers to its own pings and bytes of the feed.
func (t *tunnel) read(onPong func(time.Duration), onData func(int)) error {
	unread := newFrames(func(kind byte, stream uint32, payload []byte) error {
		switch kind {
		case framePing:
			return t.send(framePong, 0, payload[:4])
		case framePong:
			t.mutex.Lock()
			rtt := time.Since(t.sentAt)
			t.mutex.Unlock()
			onPong(rtt)
		case frameReset:
			return fmt.Errorf("stream %d was reset: %s", stream, payload)
		case frameEnd:
			return fmt.Errorf("stream %d has ended", stream)
		case frameData:
			onData(len(payload))
			return t.credit(stream, len(payload))
		}
		return nil
	})
	for {
		op, payload, err := t.receive()
		if err != nil {
			return err
		}
		switch op {
		case opClose:
			return fmt.Errorf("closed: %q", payload)
		case opPing:
			if err := t.message(opPong, payload); err != nil {
				return err
			}
		default:
			if err := unread.push(payload); err != nil {
				return err
			}
		}
	}
}
