package main

import (
	"encoding/binary"
	"io"
)

// Puts frames together, wherever they are cut into messages.
type frames struct {
	rest []byte
	take func(kind byte, stream uint32, payload []byte) error
}

func newFrames(take func(kind byte, stream uint32, payload []byte) error) *frames {
	return &frames{take: take}
}

func (f *frames) push(bytes []byte) error {
	if len(f.rest) > 0 {
		bytes = append(f.rest, bytes...)
	}
	for len(bytes) >= frameHeadBytes {
		end := frameHeadBytes + int(binary.BigEndian.Uint16(bytes[2:]))
		if len(bytes) < end {
			break
		}
		if err := f.take(bytes[0], binary.BigEndian.Uint32(bytes[4:]), bytes[frameHeadBytes:end]); err != nil {
			return err
		}
		bytes = bytes[end:]
	}
	f.rest = nil
	if len(bytes) > 0 {
		f.rest = append([]byte(nil), bytes...)
	}
	return nil
}

// The next WebSocket frame; servers do not mask.
func (t *tunnel) receive() (byte, []byte, error) {
	var head [10]byte
	if _, err := io.ReadFull(t.reader, head[:2]); err != nil {
		return 0, nil, err
	}
	op, size := head[0]&0x0f, uint64(head[1]&0x7f)
	switch size {
	case 126:
		if _, err := io.ReadFull(t.reader, head[:2]); err != nil {
			return 0, nil, err
		}
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		if _, err := io.ReadFull(t.reader, head[:8]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(head[:8])
	}
	payload := make([]byte, size)
	_, err := io.ReadFull(t.reader, payload)
	return op, payload, err
}

// Gives credit for what was read, when it is enough to be worth a message.
func (t *tunnel) credit(stream uint32, bytes int) error {
	t.uncredited += bytes
	if t.uncredited < creditBytes {
		return nil
	}
	credit := uint32(t.uncredited)
	t.uncredited = 0
	return t.send(frameCredit, stream, numbers(credit))
}
