import { messageOf } from "../../../core/lib/error_message.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import type {
  Accept,
  Engine,
  ListenAddress,
  OpenListener,
  PeerAddress,
  Socket,
  UpstreamOwner,
} from "../engine.ts";
import { DenoSocket } from "./deno_socket.ts";
import { InFlightCap } from "./in_flight_cap.ts";

/** How long it waits after a failure to accept, such as too many open files. */
const ACCEPT_RETRY_MS = 100;

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

/** Why a port could not be opened, for people. */
function listenProblem(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the port is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "the address is not of this machine";
  if (error instanceof Deno.errors.PermissionDenied) return "this user may not open the port";
  return messageOf(error);
}
