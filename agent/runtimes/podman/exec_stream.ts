import type { OutputPiece } from "../../../core/client/container_session.ts";

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * The pieces of Podman's multiplexed output stream (`[1 or 2][0 0 0][length, 32 bit, big endian][payload]`), as they come:
 * no payload has to fit into memory.
 */
export async function* outputOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<OutputPiece> {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  let headerUsed = 0;
  let left = 0;
  for await (const part of stream) {
    for (let at = 0; at < part.length;) {
      if (left === 0) {
        header[headerUsed++] = part[at++]!;
        if (headerUsed < HEADER_BYTES) continue;
        headerUsed = 0;
        left = view.getUint32(4);
        continue;
      }
      const bytes = part.subarray(at, at + Math.min(left, part.length - at));
      at += bytes.length;
      left -= bytes.length;
      yield { stream: header[0] === STDERR ? "stderr" : "stdout", bytes };
    }
  }
}

/** What a terminal shows is not multiplexed. */
export async function* terminalOutputOf(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<OutputPiece> {
  for await (const bytes of stream) yield { stream: "stdout", bytes };
}
