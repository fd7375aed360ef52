import { silentLog } from "../../core/lib/log.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { buildRouteTable } from "../../proxy/table/build_route_table.ts";
import { Proxy } from "../../proxy/threads/proxy.ts";
import { FixedView, GATEWAY_CLASS, type Manifest } from "../../proxy/table/table_fixture.ts";

/** A backend on raw TCP: records the bytes of each request, and responds with its own name. */
export class RawBackend {
  /** The requests' raw heads and bodies. */
  readonly requests: string[] = [];
  /** How it responds; replaced by tests. */
  answer: (connection: Deno.TcpConn, request: string) => Promise<void>;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #isStopped = false;

  constructor(readonly name: string) {
    const usual = `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`;
    this.answer = async (connection) => {
      await connection.write(new TextEncoder().encode(usual));
    };
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Removes all recorded requests, and returns the last. */
  take(): string {
    return this.requests.splice(0).at(-1) ?? "";
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    if (!this.#isStopped) this.#listener.close();
    this.#isStopped = true;
    await this.#accepting;
    for (const connection of this.#open) close(connection);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      void this.#serve(connection).catch(() => close(connection)); // closed meanwhile
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(128 * 1024);
    let text = "";
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return close(connection);
      text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
      const end = endOf(text);
      if (end < 0) continue;
      const request = text.slice(0, end);
      text = text.slice(end);
      this.requests.push(request);
      await this.answer(connection, request);
    }
  }
}

function endOf(text: string): number {
  const headEnd = text.indexOf("\r\n\r\n") + 4;
  if (headEnd < 4) return -1;
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(text.slice(0, headEnd))) {
    const last = text.indexOf("\r\n0\r\n", headEnd - 2);
    const end = text.indexOf("\r\n\r\n", last);
    return last < 0 || end < 0 ? -1 : end + 4;
  }
  const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, headEnd))?.[1] ?? 0);
  return text.length >= headEnd + length ? headEnd + length : -1;
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}

/** A real proxy that serves manifests, and backends `a` and `b` that accept anything. */
export class GatewaySite {
  readonly a = new RawBackend("a");
  readonly b = new RawBackend("b");
  readonly #proxy: Proxy;

  private constructor(readonly port: number) {
    const clock = new SystemClock();
    this.#proxy = new Proxy({ clock, log: silentLog(clock) });
    this.#proxy.start();
  }

  static start(): GatewaySite {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    listener.close();
    return new GatewaySite(listener.addr.port);
  }

  /** Replaces the manifests. */
  async use(...manifests: Manifest[]): Promise<void> {
    const view = new FixedView(GATEWAY_CLASS, ...manifests);
    await this.#proxy.use(buildRouteTable(view, { gatewayAddress: "127.0.0.1" }));
  }

  /** Sends raw bytes on a new connection; returns what is received until it ends, or until the response is complete. */
  async raw(text: string): Promise<string> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    try {
      await connection.write(Uint8Array.from(text, (c) => c.charCodeAt(0)));
      return await answerOf(connection);
    } finally {
      close(connection);
    }
  }

  /** The response to a GET with `target` unchanged. `fields`: whole lines. */
  get(target: string, fields = "", host = "bank.example"): Promise<string> {
    return this.raw(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);
  }

  /** A Gateway with one listener on the port of the site. */
  gateway(
    namespace: string,
    creationTimestamp: string,
    more: object = {},
    annotations = {},
  ): Manifest {
    return {
      kind: "Gateway",
      metadata: { name: "gw", namespace, creationTimestamp, annotations } as Manifest["metadata"],
      spec: {
        gatewayClassName: "coracle",
        listeners: [{ name: "h", port: this.port, protocol: "HTTP", ...more }],
      },
    };
  }

  /** A Service of that name in the namespace, with the backend behind it. */
  service(namespace: string, { name, port }: RawBackend): Manifest[] {
    return [
      {
        kind: "Service",
        metadata: { name, namespace },
        spec: { ports: [{ port: 80, targetPort: port }] },
      },
      {
        kind: "EndpointSlice",
        metadata: { name, namespace, labels: { "kubernetes.io/service-name": name } },
        addressType: "IPv4",
        ports: [{ port }],
        endpoints: [{ addresses: ["127.0.0.1"], targetRef: { kind: "Pod", uid: name } }],
      },
    ];
  }

  async stop(): Promise<void> {
    await this.#proxy.stop(0);
    await Promise.all([this.a.stop(), this.b.stop()]);
  }
}

/** An HTTPRoute of the Gateway `gw` in `gateway`, with rules of a path and a backend each. */
export function routeOf(
  namespace: string,
  rules: readonly [path: string, backend: string, more?: object][],
  { name = "r", gateway = namespace, ...spec }:
    & { name?: string; gateway?: string }
    & Record<
      string,
      unknown
    > = {},
): Manifest {
  return {
    kind: "HTTPRoute",
    metadata: { name, namespace },
    spec: {
      parentRefs: [{ name: "gw", namespace: gateway }],
      ...spec,
      rules: rules.map(([value, backend, more]) => ({
        matches: [{ path: { type: "PathPrefix", value } }],
        backendRefs: [{ name: backend, port: 80 }],
        ...more,
      })),
    },
  };
}

async function answerOf(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(128 * 1024);
  let text = "";
  for (;;) {
    const count = await connection.read(buffer).catch(() => null); // a broken connection counts as ended
    if (count === null) return text;
    text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
    const isInterim = text.startsWith("HTTP/1.1 1");
    const end = endOf(text);
    if (end >= 0 && !isInterim && !/\r\nconnection: close\r\n/i.test(text)) return text;
  }
}

export function statusOf(answer: string): number {
  return Number(answer.slice(9, 12));
}

export function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}
