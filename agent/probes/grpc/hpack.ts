import { huffmanText } from "./huffman.ts";

/** Names, some with values, that have numbers from 1: https://www.rfc-editor.org/rfc/rfc7541#appendix-A */
const STATIC_TABLE: readonly Header[] = (":authority|:method GET|:method POST|:path /|" +
  ":path /index.html|:scheme http|:scheme https|:status 200|:status 204|:status 206|:status 304|" +
  ":status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|" +
  "accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|" +
  "cache-control|content-disposition|content-encoding|content-language|content-length|" +
  "content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match|" +
  "if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|" +
  "max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|" +
  "set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate")
  .split("|").map((entry) => {
    const [name = "", ...value] = entry.split(" ");
    return { name, value: value.join(" ") };
  });
/** Until a peer is told otherwise. */
const DYNAMIC_BYTES_MAX = 4_096;
/** What an entry counts besides its texts. */
const ENTRY_BYTES = 32;
/** Far more than any value is; a longer one is refused. */
const INTEGER_MAX = 2 ** 24;

export interface Header {
  name: string;
  value: string;
}

/** Header fields without compression, as literals that no table takes up. Names are in lower case. */
export function encodedHeaders(headers: readonly Header[]): Uint8Array {
  const encoder = new TextEncoder();
  return Uint8Array.from(headers.flatMap(({ name, value }) => {
    const [nameBytes, valueBytes] = [encoder.encode(name), encoder.encode(value)];
    return [
      0,
      ...integer(nameBytes.length),
      ...nameBytes,
      ...integer(valueBytes.length),
      ...valueBytes,
    ];
  }));
}

function integer(value: number): number[] {
  if (value < 127) return [value];
  const bytes = [127];
  for (value -= 127; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return [...bytes, value];
}

/** Reads the header blocks of one connection, in their order. https://www.rfc-editor.org/rfc/rfc7541 */
export class HeaderDecoder {
  /** The newest first. */
  #table: Header[] = [];
  #bytesMax = DYNAMIC_BYTES_MAX;

  /** Throws for what is no header block. */
  decode(block: Uint8Array): Header[] {
    const reader = new BlockReader(block);
    const headers: Header[] = [];
    while (!reader.isAtEnd) {
      const first = reader.peek();
      if (first & 0x80) headers.push(this.#entry(reader.integer(7)));
      else if (first & 0x40) headers.push(this.#keep(this.#literal(reader, 6)));
      else if (first & 0x20) this.#limit(reader.integer(5));
      else headers.push(this.#literal(reader, 4));
    }
    return headers;
  }

  #literal(reader: BlockReader, prefixBits: number): Header {
    const index = reader.integer(prefixBits);
    const name = index === 0 ? reader.string() : this.#entry(index).name;
    return { name, value: reader.string() };
  }

  #entry(index: number): Header {
    const entry = index <= STATIC_TABLE.length
      ? STATIC_TABLE[index - 1]
      : this.#table[index - STATIC_TABLE.length - 1];
    if (entry === undefined) throw new Error("HPACK: no such entry");
    return entry;
  }

  #keep(header: Header): Header {
    this.#table.unshift(header);
    this.#evict();
    return header;
  }

  #limit(bytesMax: number): void {
    if (bytesMax > DYNAMIC_BYTES_MAX) throw new Error("HPACK: the table may not be so large");
    this.#bytesMax = bytesMax;
    this.#evict();
  }

  #evict(): void {
    let bytes = 0;
    const kept = this.#table.findIndex(({ name, value }) =>
      (bytes += name.length + value.length + ENTRY_BYTES) > this.#bytesMax
    );
    if (kept >= 0) this.#table = this.#table.slice(0, kept);
  }
}

class BlockReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  peek(): number {
    if (this.isAtEnd) throw new Error("HPACK: a block ends too early");
    return this.#bytes[this.#at]!;
  }

  integer(prefixBits: number): number {
    const full = 2 ** prefixBits - 1;
    let value = this.#next() & full;
    if (value < full) return value;
    for (let factor = 1;; factor *= 128) {
      const byte = this.#next();
      value += (byte & 127) * factor;
      if (value > INTEGER_MAX) throw new Error("HPACK: a number is too large");
      if (byte < 128) return value;
    }
  }

  string(): string {
    const isCompressed = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Error("HPACK: a block ends too early");
    this.#at += length;
    return isCompressed ? huffmanText(bytes) : String.fromCharCode(...bytes);
  }

  #next(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}
