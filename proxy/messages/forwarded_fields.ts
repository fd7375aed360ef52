import { ascii, isWord, textOf } from "./characters.ts";
import type { Head } from "./head.ts";

const FORWARDED_FOR = "x-forwarded-for:";
const NAMES = {
  for: ascii(FORWARDED_FOR),
  proto: ascii("x-forwarded-proto:"),
  host: ascii("x-forwarded-host:"),
};

/** What a client has connected by. */
export type Scheme = "http" | "https";

/** The lines that tell the next hop who the client is, for a peer that is not a trusted proxy. */
export function forwardedLines(peer: string, scheme: Scheme): Uint8Array {
  return ascii(`X-Forwarded-For: ${peer}\r\nX-Forwarded-Proto: ${scheme}\r\n`);
}

/**
 * The same for a peer that is a trusted proxy: what it says of its client is kept, and its own address added. Changes
 * which lines of the head are dropped. Allocates: for trusted proxies only.
 */
export function trustedForwardedLines(
  bytes: Uint8Array,
  head: Head,
  peer: string,
  scheme: Scheme,
): Uint8Array {
  const clients: string[] = [];
  let hasProto = false, kept = 0;
  for (let i = 0; i < head.droppedCount; i++) {
    const start = head.dropped[i * 2]!, end = head.dropped[i * 2 + 1]!;
    const isForwardedField = (head.forwardedBits & 1 << i) !== 0;
    const isFor = isForwardedField && isWord(bytes, start, NAMES.for);
    if (isFor) clients.push(textOf(bytes, start + FORWARDED_FOR.length, end).trim());
    if (isForwardedField && isWord(bytes, start, NAMES.proto)) hasProto = true;
    if (isForwardedField && isWord(bytes, start, NAMES.host)) head.hasForwardedHost = true;
    if (isForwardedField && !isFor) continue;
    head.dropped[kept * 2] = start;
    head.dropped[kept * 2 + 1] = end;
    kept++;
  }
  head.droppedCount = kept;
  head.forwardedBits = 0;
  const chain = [...clients.filter((client) => client !== ""), peer].join(", ");
  return ascii(
    `X-Forwarded-For: ${chain}\r\n${hasProto ? "" : `X-Forwarded-Proto: ${scheme}\r\n`}`,
  );
}
