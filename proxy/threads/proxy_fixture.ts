import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import { Proxy } from "./proxy.ts";
import type { Listener, RouteTable, Rule } from "../table/route_table.ts";
import type { RelayAddress } from "../../core/traffic/far/relaying.ts";
import type { Backend } from "../../core/traffic/backends.ts";

/** A backend of one endpoint on this machine. The pod's uid is the backend's name. */
export function backendAt(name: string, ...ports: number[]): Backend {
  return {
    name,
    state: ports.length > 0 ? "valid" : "empty",
    endpoints: ports.map((port) => ({ address: "127.0.0.1", port, podUid: `${name}:${port}` })),
  };
}

/** A table with one HTTP listener on a free port, whose only rule has the backends as shares. */
export function tableOf(
  shares: readonly (readonly [weight: number, backend: Backend])[],
  more: Partial<Rule> = {},
): RouteTable {
  const match = { path: { type: "PathPrefix", value: "/" }, headers: [], queryParams: [] } as const;
  const rule: Rule = {
    key: "default/route/0",
    shares: shares.map(([weight], backend) => ({ weight, backend })),
    ...more,
  };
  const listener: Listener = {
    protocol: "HTTP",
    name: "web",
    address: "127.0.0.1",
    port: 0,
    hosts: [{ hostname: "", routes: [{ hostname: "", match, rule }] }],
  };
  return { listeners: [listener], backends: shares.map(([, backend]) => backend), problems: [] };
}

/** Runs a test against a proxy in its worker thread, and stops it whatever happens. */
export async function withProxy(
  test: (proxy: Proxy) => Promise<void>,
  relay?: RelayAddress,
): Promise<void> {
  const clock = new SystemClock();
  const proxy = new Proxy({ clock, log: silentLog(clock) });
  if (relay) proxy.useRelay(relay);
  proxy.start();
  try {
    await test(proxy);
  } finally {
    await proxy.stop(0);
  }
}

/** An HTTP server on a free port, stopped when the test is over. */
export async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  test: (port: number) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  try {
    await test(server.addr.port);
  } finally {
    await server.shutdown();
  }
}

/** A server of bare connections on a free port; those that are open are closed in the end. */
export async function withListener(
  serve: (connection: Deno.TcpConn) => Promise<void>,
  test: (port: number) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const accepting = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      void serve(connection).catch(() => {}); // closed meanwhile
    }
  })();
  try {
    await test(listener.addr.port);
  } finally {
    listener.close();
    await accepting;
    for (const connection of open) {
      try {
        connection.close();
      } catch {
        // closed already
      }
    }
  }
}

/** Sends `text` on a new connection and returns all that comes until its end. */
export async function exchange(port: number, text: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  return await new Response(connection.readable).text();
}

/** The text of one read; `""` at the end. */
export async function readText(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(16 * 1024);
  const count = await connection.read(buffer);
  return count === null ? "" : new TextDecoder().decode(buffer.subarray(0, count));
}

export function writeText(connection: Deno.TcpConn, text: string): Promise<number> {
  return connection.write(new TextEncoder().encode(text));
}
