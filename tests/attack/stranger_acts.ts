import { later } from "../eventually.ts";

/** Where a server listens: its API over TLS, and the port of a Gateway. */
export interface Target {
  apiPort: number;
  caPem: string;
  gatewayPort: number;
}

/** Bytes in each direction, and connections that were opened. */
export interface Tally {
  connections: number;
  sentBytes: number;
  receivedBytes: number;
}

type Act = (connection: Wire) => Promise<void>;

const HOST = "127.0.0.1";
const PIECE = new Uint8Array(64 * 1024).fill(97);
/** Between two bytes of a slow sender. */
const DRIP_MS = 50;
const ENDLESS = 10 ** 12;
/** The beginning of a TLS record with a ClientHello (RFC 8446 5.1) that is never complete. */
const HALF_HELLO = Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, ...new Array(60).fill(7));
const UPGRADE = "connection: upgrade\r\nupgrade: websocket\r\n";

/** Attacks without credentials on an API over TLS, one connection each. */
const API_ACTS = {
  "endless body": flood(head("POST", "/api/v1/pods", `content-length: ${ENDLESS}\r\n`)),
  "endless body of an open path": flood(head("GET", "/healthz", `content-length: ${ENDLESS}\r\n`)),
  "endless chunks": flood(
    head("POST", "/api/v1/pods", "transfer-encoding: chunked\r\n"),
    concat(bytesOf("10000\r\n"), PIECE, bytesOf("\r\n")),
  ),
  "unread answers": flood("", bytesOf(head("GET", "/healthz").repeat(2_000))),
  "unread refusals": flood("", bytesOf(head("GET", "/api/v1/pods").repeat(2_000))),
  "unread upgrades": flood("", bytesOf(head("GET", "/api/v1/pods", UPGRADE).repeat(1_000))),
  "held upgrade": hold(head("GET", "/api/v1/pods", UPGRADE)),
  "flooded upgrade": flood(head("GET", "/api/v1/pods", UPGRADE)),
  "dripped head": drip("GET /healthz HTTP/1.1\r\nhost: x\r\na: "),
  "dripped body": drip(head("POST", "/api/v1/pods", "content-length: 100000\r\n")),
  "idle": hold(head("GET", "/healthz")),
} satisfies Record<string, Act>;

/** The same, without TLS. */
const TCP_ACTS = {
  "silent": hold(""),
  "half handshake": async (wire) => {
    await wire.send(HALF_HELLO);
    await wire.readToEnd();
  },
  "junk hello": flood("", crypto.getRandomValues(new Uint8Array(16 * 1024))),
} satisfies Record<string, Act>;

/** Attacks on a Gateway. */
const GATEWAY_ACTS = {
  "gateway: idle": hold(head("GET", "/")),
  "gateway: silent": hold(""),
  "gateway: unread answers": flood("", bytesOf(head("GET", "/").repeat(2_000))),
  "gateway: dripped head": drip("GET / HTTP/1.1\r\nhost: x\r\na: "),
  "gateway: endless body": flood(head("POST", "/", `content-length: ${ENDLESS}\r\n`)),
} satisfies Record<string, Act>;

export type ActName = keyof typeof API_ACTS | keyof typeof TCP_ACTS | keyof typeof GATEWAY_ACTS;

export const ACT_NAMES = [
  ...Object.keys(API_ACTS),
  ...Object.keys(TCP_ACTS),
  ...Object.keys(GATEWAY_ACTS),
] as readonly ActName[];

/** Performs the act once, on a new connection, until the peer ends it or the signal aborts. */
export async function doOnce(
  name: ActName,
  { target, tally, signal }: { target: Target; tally: Tally; signal: AbortSignal },
): Promise<void> {
  const { connection, act } = await opened(name, target);
  tally.connections++;
  const wire = new Wire(connection, tally);
  const end = () => wire.close();
  signal.addEventListener("abort", end);
  try {
    if (!signal.aborted) await act(wire);
  } finally {
    signal.removeEventListener("abort", end);
    wire.close();
  }
}

async function opened(
  name: ActName,
  { apiPort, caPem, gatewayPort }: Target,
): Promise<{ connection: Deno.Conn; act: Act }> {
  const api = (API_ACTS as Partial<Record<ActName, Act>>)[name];
  if (api) {
    const tls = { hostname: HOST, port: apiPort, caCerts: [caPem] };
    return { connection: await Deno.connectTls(tls), act: api };
  }
  const tcp = (TCP_ACTS as Partial<Record<ActName, Act>>)[name];
  const act = tcp ?? (GATEWAY_ACTS as Partial<Record<ActName, Act>>)[name]!;
  const port = tcp ? apiPort : gatewayPort;
  return { connection: await Deno.connect({ hostname: HOST, port }), act };
}

/** A connection whose bytes are counted. */
class Wire {
  readonly #connection: Deno.Conn;
  readonly #tally: Tally;
  #isClosed = false;

  constructor(connection: Deno.Conn, tally: Tally) {
    this.#connection = connection;
    this.#tally = tally;
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const count = await this.#connection.write(bytes.subarray(done));
      done += count;
      this.#tally.sentBytes += count;
    }
  }

  async readToEnd(): Promise<void> {
    const buffer = new Uint8Array(16 * 1024);
    for (;;) {
      const count = await this.#connection.read(buffer);
      if (count === null) return;
      this.#tally.receivedBytes += count;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#connection.close();
    } catch {
      // the peer was faster
    }
  }
}

/** Sends the beginning, then the piece endlessly, as fast as possible; reads nothing. */
function flood(beginning: string, piece: Uint8Array = PIECE): Act {
  return async (wire) => {
    await wire.send(bytesOf(beginning));
    for (;;) await wire.send(piece);
  };
}

/** Sends the beginning, then reads until the peer ends the connection. */
function hold(beginning: string): Act {
  return async (wire) => {
    await wire.send(bytesOf(beginning));
    await wire.readToEnd();
  };
}

/** Sends the beginning and then byte by byte. */
function drip(beginning: string): Act {
  return async (wire) => {
    await wire.send(bytesOf(beginning));
    const reading = wire.readToEnd().catch(() => {}); // the next write fails too
    for (let isOpen = true; isOpen;) {
      await wire.send(bytesOf("a"));
      isOpen = await Promise.race([reading.then(() => false), later(DRIP_MS).then(() => true)]);
    }
  };
}

function head(method: string, path: string, fields = ""): string {
  return `${method} ${path} HTTP/1.1\r\nhost: x\r\n${fields}\r\n`;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
