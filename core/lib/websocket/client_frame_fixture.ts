/** A masked frame, as clients send them: RFC 6455, section 5.2. */
export function clientFrame(
  opcode: number,
  bytes: Uint8Array,
  { isFinal = true }: { isFinal?: boolean } = {},
): Uint8Array {
  const mask = [17, 99, 200, 3];
  const length = bytes.length < 126
    ? [bytes.length]
    : bytes.length < 65_536
    ? [126, bytes.length >> 8, bytes.length & 255]
    : [127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (bytes.length >>> shift) & 255)];
  const head = [(isFinal ? 0x80 : 0) | opcode, length[0]! | 0x80, ...length.slice(1), ...mask];
  const frame = new Uint8Array(head.length + bytes.length);
  frame.set(head);
  bytes.forEach((byte, i) => frame[head.length + i] = byte ^ mask[i & 3]!);
  return frame;
}
