/**
 * The agent's end of what `bench/tunnel.ts` measures. Arguments: the carrier (`tunnel` or `tls`), the task (`up`, `down`,
 * `small`, `beside`), megabytes or round trips, then as JSON where the server is and who the agent is. Prints a result as
 * JSON.
 */
import process from "node:process";
import { connect, type TLSSocket } from "node:tls";
import { dial } from "../../core/client/tunnel/dial.ts";
import { DuplexConnection } from "../../core/client/tunnel/duplex_connection.ts";
import { MuxTunnel } from "../../core/client/tunnel/mux_tunnel.ts";
import { WebSocketPipe } from "../../core/client/tunnel/web_socket_pipe.ts";
import { SystemClock } from "../../core/lib/clock.ts";

interface Place {
  tunnel: number;
  tls: number;
  authority: string;
  pair: { certificate: string; key: string };
}

/** What goes on in one direction, and what is asked meanwhile. */
interface Carrier {
  up(megabytes: number): Promise<void>;
  down(megabytes: number): Promise<void>;
  /** Sends so many bytes and resolves when they are back. */
  echo: (bytes: number) => Promise<void>;
  close(): void;
}

const PART = new Uint8Array(64 * 1024);
const SMALL_BYTES = 300;

async function tunnelTo({ tunnel: port, authority, pair }: Place): Promise<Carrier> {
  const clock = new SystemClock();
  const server = `https://127.0.0.1:${port}`;
  const access = { server, caPem: authority, pair, token: undefined, userAgent: "bench" };
  const { signal } = new AbortController();
  const { socket, head } = await dial({
    ...{ access, node: "bench", deadMs: 40_000, proxies: {}, signal },
  });
  const pipe = new WebSocketPipe(new DuplexConnection(socket, head), "client");
  const tunnel = new MuxTunnel({ side: "dialler", pipe, clock, kinds: [], deadMs: 40_000 });
  const small = tunnel.open({ kind: "echo" });
  const answers = small.bytes[Symbol.asyncIterator]();
  return {
    up: async (megabytes) => {
      const stream = tunnel.open({ kind: "sink" });
      for (let sent = 0; sent < megabytes * 1e6; sent += PART.length) await stream.write(PART);
      stream.end();
      for await (const _ of stream.bytes);
    },
    down: async (megabytes) => {
      const stream = tunnel.open({ kind: "source", bytes: megabytes * 1e6 });
      stream.end();
      for await (const _ of stream.bytes);
    },
    echo: async (bytes) => {
      void small.write(new Uint8Array(bytes));
      for (let left = bytes; left > 0;) left -= (await answers.next()).value!.length;
    },
    close: () => tunnel.close("the measurement ends"),
  };
}

async function tlsTo({ tls: port, authority }: Place): Promise<Carrier> {
  const open = async (task: number, megabytes: number): Promise<TLSSocket> => {
    const socket = connect({ host: "127.0.0.1", port, ca: authority });
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    socket.setNoDelay(true);
    socket.write(Uint8Array.of(task, megabytes >> 8, megabytes & 0xff));
    return socket;
  };
  const small = await open(3, 0);
  let left = 0;
  let done = () => {};
  small.on("data", (bytes: Uint8Array) => {
    if ((left -= bytes.length) <= 0) done();
  });
  return {
    up: async (megabytes) => {
      const socket = await open(1, megabytes);
      socket.resume();
      const end = new Promise((resolve) => socket.once("close", resolve));
      for (let sent = 0; sent < megabytes * 1e6; sent += PART.length) {
        if (!socket.write(PART)) await new Promise((resolve) => socket.once("drain", resolve));
      }
      await end;
    },
    down: async (megabytes) => {
      const socket = await open(2, megabytes);
      let left = megabytes * 1e6;
      await new Promise<void>((resolve) =>
        socket.on("data", (bytes: Uint8Array) => (left -= bytes.length) <= 0 && resolve())
      );
      socket.destroy();
    },
    echo: (bytes) => {
      left = bytes;
      small.write(new Uint8Array(bytes));
      return new Promise((resolve) => done = resolve);
    },
    close: () => small.destroy(),
  };
}

async function echoes(carrier: Carrier, goesOn: (count: number) => boolean): Promise<number[]> {
  const times: number[] = [];
  while (goesOn(times.length)) {
    const startMs = performance.now();
    await carrier.echo(SMALL_BYTES);
    times.push(performance.now() - startMs);
  }
  return times;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const [kind, task, amount, place] = Deno.args as [string, string, string, string];
const carrier = await (kind === "tls" ? tlsTo : tunnelTo)(JSON.parse(place));
await echoes(carrier, (count) => count < 20);
const cpuBeforeMs = cpuMs();
const startMs = performance.now();
const count = Number(amount);
let times: number[] = [];
if (task === "small") times = await echoes(carrier, (done) => done < count);
else if (task === "beside") {
  let isOver = false;
  const bulk = carrier.up(count).then(() => isOver = true);
  times = await echoes(carrier, () => !isOver);
  await bulk;
} else await carrier[task as "up" | "down"](count);
const ms = performance.now() - startMs;
const used = cpuMs() - cpuBeforeMs;
carrier.close();
await Deno.stdout.write(
  new TextEncoder().encode(JSON.stringify({ ms, times, cpuMs: used }) + "\n"),
);
Deno.exit();
