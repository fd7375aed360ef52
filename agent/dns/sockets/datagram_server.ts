import type { Clock } from "../../../core/lib/clock.ts";
import { parseIpv4 } from "../../../core/lib/addresses/ipv4.ts";
import { DatagramSocket } from "../../../core/lib/linux/datagrams.ts";
import type { Resolver } from "../answers/resolver.ts";
import { ClientLimits } from "./client_limits.ts";

/** A server that listens. */
export interface OpenServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Batches that are answered before others of the thread, such as news of the zone, have their turn. */
const BATCHES_MAX = 16;

export interface DatagramServerOptions {
  resolver: Pick<Resolver, "answer">;
  clock: Pick<Clock, "elapsed">;
  address: string;
  port: number;
}

/** Answers datagrams at an IPv4 address, by batches where the C library is at hand. Throws when the address is not free. */
export function serveDatagrams(options: DatagramServerOptions): OpenServer {
  const { address, port } = options;
  const socket = DatagramSocket.open(address, port);
  if (socket !== undefined) return serveBatches(socket, options);
  const listener = Deno.listenDatagram({ transport: "udp", hostname: address, port });
  const running = serveSingly(listener, options);
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async close() {
      listener.close();
      await running;
    },
  };
}

function serveBatches(
  socket: DatagramSocket,
  { resolver, clock }: DatagramServerOptions,
): OpenServer {
  const limits = new ClientLimits();
  let isOpen = true;
  const answer = (index: number, nowMs: number) => {
    const source = socket.sourceOf(index);
    if (!limits.admits(source, nowMs)) return;
    const answer = resolver.answer(socket.datagram(index), { isStream: false });
    if (answer === undefined) return;
    if (!(answer instanceof Promise)) return socket.reply(index, answer);
    const release = limits.claim(source), sender = socket.senderOf(index);
    if (release === undefined) return;
    void answer.then((late) => {
      release();
      if (isOpen) socket.send(sender, late);
    });
  };
  const run = async () => {
    while (isOpen) {
      await socket.wait();
      for (let batch = 0; isOpen && batch < BATCHES_MAX; batch++) {
        const count = socket.receive(), nowMs = clock.elapsed();
        for (let i = 0; i < count; i++) answer(i, nowMs);
        socket.flush();
        if (count === 0) break;
      }
    }
  };
  const running = run();
  return {
    port: socket.port,
    async close() {
      isOpen = false;
      socket.end();
      await running;
      socket.close();
    },
  };
}

/** Until the listener is closed. */
async function serveSingly(
  listener: Deno.DatagramConn,
  { resolver, clock }: DatagramServerOptions,
): Promise<void> {
  const limits = new ClientLimits();
  const buffer = new Uint8Array(1_536);
  const send = (bytes: Uint8Array, to: Deno.Addr) => listener.send(bytes, to).catch(() => {}); // datagrams may be lost
  for (;;) {
    let received: [Uint8Array, Deno.Addr];
    try {
      received = await listener.receive(buffer);
    } catch (error) {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
        return;
      }
      continue; // an error of one datagram, such as of ICMP
    }
    const [message, from] = received;
    const source = parseIpv4((from as Deno.NetAddr).hostname) ?? 0;
    if (!limits.admits(source, clock.elapsed())) continue;
    const answer = resolver.answer(message, { isStream: false });
    if (answer === undefined) continue;
    if (!(answer instanceof Promise)) {
      await send(answer, from);
      continue;
    }
    const release = limits.claim(source);
    if (release === undefined) continue;
    void answer.then((late) => {
      release();
      return send(late, from);
    });
  }
}
