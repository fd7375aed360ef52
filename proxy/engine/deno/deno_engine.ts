import { messageOf } from "../../../core/lib/error_message.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import type {
  Accept,
  Engine,
  ListenAddress,
  OpenDatagrams,
  OpenListener,
  PeerAddress,
  Socket,
  UpstreamOwner,
} from "../engine.ts";
import { DenoSocket } from "./deno_socket.ts";
import { InFlightCap } from "./in_flight_cap.ts";

/** How long it waits after a failure to accept, such as too many open files. */
const ACCEPT_RETRY_MS = 100;
const DATAGRAM_BYTES_MAX = 65_535;

/** The portable engine: Deno's own sockets, without TLS. */
export class DenoEngine implements Engine {
  readonly clock: Clock;
  readonly #cap: InFlightCap;

  constructor(clock: Clock) {
    this.clock = clock;
    this.#cap = new InFlightCap(clock);
  }

  listen({ address: hostname, port, isShared }: ListenAddress, accept: Accept): OpenListener {
    const listener = listening({ hostname, port, ...(isShared ? { reusePort: true } : {}) });
    const accepting = this.#accept(listener, accept);
    let isOpen = true;
    return {
      port: listener.addr.port,
      close: () => {
        if (isOpen) listener.close();
        isOpen = false;
        return accepting;
      },
    };
  }

  connect(to: PeerAddress, owner: UpstreamOwner): Socket {
    return DenoSocket.connecting(to, owner, this.clock);
  }

  bind(
    { address: hostname, port }: PeerAddress,
    onDatagram: (bytes: Uint8Array, from: PeerAddress) => void,
  ): OpenDatagrams {
    const socket = bound({ transport: "udp", hostname, port });
    const receiving = receive(socket, onDatagram);
    let isOpen = true;
    return {
      port: (socket.addr as Deno.NetAddr).port,
      send(bytes, { address, port }) {
        const to = { transport: "udp" as const, hostname: address, port };
        void socket.send(bytes.slice(), to).catch(() => {}); // datagrams may get lost
      },
      close: () => {
        if (isOpen) socket.close();
        isOpen = false;
        return receiving;
      },
    };
  }

  async #accept(listener: Deno.TcpListener, accept: Accept): Promise<void> {
    for (;;) {
      let connection: Deno.TcpConn;
      try {
        connection = await listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        if (error instanceof Deno.errors.Interrupted) return;
        await this.clock.sleep(ACCEPT_RETRY_MS);
        continue;
      }
      DenoSocket.accepted(connection, this.#cap, accept);
    }
  }
}

function listening(options: Deno.TcpListenOptions): Deno.TcpListener {
  try {
    return Deno.listen(options);
  } catch (error) {
    throw new Error(listenProblem(error), { cause: error });
  }
}

function bound(options: Deno.UdpListenOptions & { transport: "udp" }): Deno.DatagramConn {
  try {
    return Deno.listenDatagram(options);
  } catch (error) {
    throw new Error(listenProblem(error), { cause: error });
  }
}

/** Until the socket is closed. */
async function receive(
  socket: Deno.DatagramConn,
  onDatagram: (bytes: Uint8Array, from: PeerAddress) => void,
): Promise<void> {
  const buffer = new Uint8Array(DATAGRAM_BYTES_MAX);
  for (;;) {
    let received: [Uint8Array, Deno.Addr];
    try {
      received = await socket.receive(buffer);
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      if (error instanceof Deno.errors.Interrupted) return;
      continue; // what ICMP says about one datagram does not concern the others
    }
    const { hostname: address, port } = received[1] as Deno.NetAddr;
    onDatagram(received[0], { address, port });
  }
}

/** Why a port could not be opened, for people. */
function listenProblem(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the port is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "the address is not of this machine";
  if (error instanceof Deno.errors.PermissionDenied) return "this user may not open the port";
  return messageOf(error);
}
