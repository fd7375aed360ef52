import protobuf from "protobufjs";

/** What one atomic operation may have of checks, as servers of the protocol have it. */
const CHECKS_MAX = 10;
const PROTOCOL_VERSION = 3;
const TOKEN_MS = 3_600_000;
const MUTATION_SET = 1;
const MUTATION_DELETE = 2;
const SUCCESS = 1;
const CHECK_FAILURE = 2;

const field = (id: number, type: string) => ({ id, type });
const many = (id: number, type: string) => ({ id, type, rule: "repeated" });
/**
 * The messages of KV Connect's data path, as far as the tests use them.
 * Source: https://github.com/denoland/denokv/blob/main/proto/kv-connect.md
 */
const root = protobuf.Root.fromJSON({
  nested: {
    SnapshotRead: { fields: { ranges: many(1, "ReadRange") } },
    ReadRange: {
      fields: {
        start: field(1, "bytes"),
        end: field(2, "bytes"),
        limit: field(3, "int32"),
        reverse: field(4, "bool"),
      },
    },
    SnapshotReadOutput: {
      fields: {
        ranges: many(1, "ReadRangeOutput"),
        isStrong: field(4, "bool"),
        status: field(8, "int32"),
      },
    },
    ReadRangeOutput: { fields: { values: many(1, "Entry") } },
    Entry: {
      fields: {
        key: field(1, "bytes"),
        value: field(2, "bytes"),
        encoding: field(3, "int32"),
        versionstamp: field(4, "bytes"),
      },
    },
    AtomicWrite: { fields: { checks: many(1, "Check"), mutations: many(2, "Mutation") } },
    Check: { fields: { key: field(1, "bytes"), versionstamp: field(2, "bytes") } },
    Mutation: {
      fields: { key: field(1, "bytes"), value: field(2, "Value"), type: field(3, "int32") },
    },
    Value: { fields: { data: field(1, "bytes"), encoding: field(2, "int32") } },
    AtomicWriteOutput: {
      fields: {
        status: field(1, "int32"),
        versionstamp: field(2, "bytes"),
        failedChecks: many(4, "uint32"),
      },
    },
    Watch: { fields: { keys: many(1, "WatchKey") } },
    WatchKey: { fields: { key: field(1, "bytes") } },
    WatchOutput: { fields: { status: field(1, "int32"), keys: many(2, "WatchKeyOutput") } },
    WatchKeyOutput: { fields: { changed: field(1, "bool"), entry: field(2, "Entry") } },
  },
});

interface Entry {
  key: Uint8Array;
  value: Uint8Array;
  encoding: number;
  versionstamp: Uint8Array;
}
interface ReadRange {
  start: Uint8Array;
  end: Uint8Array;
  limit: number;
  reverse: boolean;
}
interface AtomicWrite {
  checks: { key: Uint8Array; versionstamp: Uint8Array }[];
  mutations: { key: Uint8Array; value: { data: Uint8Array; encoding: number }; type: number }[];
}

/** A KV Connect server in memory, on plain HTTP and loopback; its network can lose and delay. */
export class KvConnectServer {
  readonly token = "a token of the tests";
  /**
   * What happens to the next write. `lost answer`: it is done, and its client told that it is not. `late copy`: it is
   * kept until `release`, but may be repeated. `held`: it is kept, and lost whenever it is repeated.
   */
  nextWrite: "lost answer" | "late copy" | "held" | undefined;
  /** Requests and watches get no answer. */
  isAway = false;
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new Set<() => void>();
  readonly #held: (() => void)[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop = new AbortController();
  /** Bodies of writes that are held. */
  readonly #lost = new Set<string>();
  #versions = 0;

  constructor() {
    const options = {
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      signal: this.#stop.signal,
    };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Does the writes that were held. */
  release(): void {
    for (const write of this.#held.splice(0)) write();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    if (this.isAway && !(pathname.endsWith("atomic_write") && this.nextWrite)) return away();
    if (request.headers.get("authorization") !== `Bearer ${this.token}`) {
      return new Response("the token is not known", { status: 401 });
    }
    switch (pathname) {
      case "/v3/snapshot_read":
        return message("SnapshotReadOutput", this.#read(body));
      case "/v3/atomic_write":
        return this.#passWrite(body);
      case "/v3/watch":
        return new Response(
          this.#watch(decoded<{ keys: { key: Uint8Array }[] }>("Watch", body).keys),
        );
      default:
        return this.#metadata();
    }
  }

  #metadata(): Response {
    const databaseId = "00000000-0000-4000-8000-000000000000";
    return Response.json({
      version: PROTOCOL_VERSION,
      databaseId,
      uuid: databaseId,
      token: this.token,
      endpoints: [{ url: `${this.url}v3`, consistency: "strong" }],
      expiresAt: new Date(performance.timeOrigin + performance.now() + TOKEN_MS).toISOString(),
    });
  }

  #read(body: Uint8Array): object {
    const { ranges } = decoded<{ ranges: ReadRange[] }>("SnapshotRead", body);
    return {
      ranges: ranges.map((range) => ({ values: this.#range(range) })),
      isStrong: true,
      status: SUCCESS,
    };
  }

  #range({ start, end, limit, reverse }: ReadRange): Entry[] {
    const [from, to] = [start.toHex(), end.toHex()];
    const names = [...this.#entries.keys()].filter((name) => name >= from && name < to).sort();
    if (reverse) names.reverse();
    return names.slice(0, limit).map((name) => this.#entries.get(name)!);
  }

  #passWrite(body: Uint8Array): Response {
    const write = decoded<AtomicWrite>("AtomicWrite", body);
    if (write.checks.length > CHECKS_MAX) return new Response("TooManyChecks", { status: 400 });
    if (this.#lost.has(body.toHex())) return away();
    const passage = this.nextWrite;
    this.nextWrite = undefined;
    if (passage === "late copy" || passage === "held") {
      if (passage === "held") this.#lost.add(body.toHex());
      this.#held.push(() => this.#write(write));
      return away();
    }
    const result = this.#write(write);
    return passage === "lost answer" ? away() : message("AtomicWriteOutput", result);
  }

  #write({ checks, mutations }: AtomicWrite): object {
    const failed = checks.flatMap(({ key, versionstamp }, index) => {
      const actual = this.#entries.get(key.toHex())?.versionstamp ?? new Uint8Array();
      return actual.toHex() === versionstamp.toHex() ? [] : [index];
    });
    if (failed.length > 0) return { status: CHECK_FAILURE, failedChecks: failed };
    const versionstamp = new Uint8Array(10);
    new DataView(versionstamp.buffer).setBigUint64(0, BigInt(++this.#versions));
    for (const { key, value, type } of mutations) {
      if (type === MUTATION_DELETE) this.#entries.delete(key.toHex());
      else if (type !== MUTATION_SET) throw new Error("only set and delete are known here");
      else {
        const { data, encoding } = value;
        this.#entries.set(key.toHex(), { key, value: data, encoding, versionstamp });
      }
    }
    for (const tell of this.#changed) tell();
    return { status: SUCCESS, versionstamp };
  }

  /** Each answer is a message with its length before it. */
  #watch(keys: readonly { key: Uint8Array }[]): ReadableStream<Uint8Array> {
    let tell = () => {};
    return new ReadableStream({
      start: (controller) => {
        let last = keys.map((): string | undefined => "never told");
        tell = () => {
          if (this.isAway) return;
          const entries = keys.map(({ key }) => this.#entries.get(key.toHex()));
          const now = entries.map((entry) => entry?.versionstamp.toHex());
          const told = entries.map((entry, i) => ({
            changed: now[i] !== last[i],
            ...(entry && { entry }),
          }));
          last = now;
          if (told.some(({ changed }) => changed)) {
            const bytes = encoded("WatchOutput", { status: SUCCESS, keys: told });
            const frame = new Uint8Array(4 + bytes.length);
            new DataView(frame.buffer).setUint32(0, bytes.length, true);
            frame.set(bytes, 4);
            controller.enqueue(frame);
          }
        };
        this.#changed.add(tell);
        tell();
      },
      cancel: () => void this.#changed.delete(tell),
    });
  }
}

function away(): Response {
  return new Response("the network is down", { status: 503 });
}

function message(type: string, value: object): Response {
  const headers = { "content-type": "application/x-protobuf" };
  return new Response(encoded(type, value), { headers });
}

function encoded(type: string, value: object): Uint8Array<ArrayBuffer> {
  const message = root.lookupType(type);
  return Uint8Array.from(message.encode(message.create(value)).finish());
}

function decoded<T>(type: string, bytes: Uint8Array): T {
  const message = root.lookupType(type);
  return message.toObject(message.decode(bytes), { defaults: true, arrays: true }) as T;
}
