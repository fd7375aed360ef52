const HEADER_BYTES = 8;

/**
 * The payloads of Podman's multiplexed output stream (`[1 or 2][0 0 0][length, 32 bit, big endian][payload]`), both
 * streams in the order in which they came. What is cut off at the end is left out.
 */
export async function* payloads(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for await (const part of stream) {
    const all = new Uint8Array(rest.length + part.length);
    all.set(rest);
    all.set(part, rest.length);
    let at = 0;
    while (all.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + new DataView(all.buffer, at + 4).getUint32(0);
      if (end > all.length) break;
      yield all.subarray(at + HEADER_BYTES, end);
      at = end;
    }
    rest = all.subarray(at);
  }
}
