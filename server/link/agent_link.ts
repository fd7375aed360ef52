import type { ServerAccess } from "../../core/client/https_transport.ts";
import { RenewableTransport } from "../../core/client/joining/renewable_transport.ts";
import type { Transport } from "../../core/client/server_link.ts";
import { ServerTime } from "../../core/client/server_time.ts";
import { dial } from "../../core/client/tunnel/dial.ts";
import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import { TunnelDialler } from "../../core/client/tunnel/tunnel_dialler.ts";
import type { TunnelTimes } from "../../core/client/tunnel/tunnel_times.ts";
import { tunnelTransport } from "../../core/client/tunnel/tunnel_transport.ts";
import { Libc } from "../../core/lib/linux/libc.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Random } from "../../core/lib/random.ts";
import { NetworkChanges } from "../../core/lib/linux/network_changes.ts";

/** The way of an agent to its server. */
export interface AgentLink {
  /** Inside the tunnel; by HTTPS to a server that takes none. */
  transport: Transport;
  dialler: TunnelDialler;
  /** What the agent answers; may grow. */
  kinds: StreamKind[];
  time: ServerTime;
  /** To be called when there is another certificate. */
  renewed(): void;
  /** Keeps the tunnel, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** After the end of the run. */
  close(): Promise<void>;
}

export interface AgentLinkOptions {
  clock: Clock;
  random: Random;
  log: Log;
  /** E.g. `coracle-agent/0.1.0`. */
  userAgent: string;
  node: string;
  /** Asked for each connection, so that a renewed certificate counts from the next one on. */
  access: () => Omit<ServerAccess, "userAgent">;
  times?: TunnelTimes;
}

/** Nothing is asked before it runs. */
export function agentLink(options: AgentLinkOptions): AgentLink {
  const { clock, random, log, userAgent, node, access, times } = options;
  const kinds: StreamKind[] = [];
  const time = new ServerTime(clock);
  const proxies = proxiesOf(Deno.env);
  const dialler = new TunnelDialler({
    ...{ clock, random, log, kinds, server: access().server },
    dial: (asked) => dial({ ...asked, node, proxies, access: { ...access(), userAgent } }),
    ...(times && { times }),
  });
  dialler.onChange(() => time.heard(dialler.date));
  const https = new RenewableTransport({ ...access(), userAgent }, time);
  const unfollow = followUplink(options, dialler);
  const transport = tunnelTransport(dialler, { userAgent, fallback: https.send });
  return {
    ...{ transport, dialler, kinds, time },
    renewed: () => https.use({ ...access(), userAgent }),
    run: (signal) => dialler.run(signal),
    close: async () => {
      https[Symbol.dispose]();
      await unfollow();
    },
  };
}

/** What the environment says about proxies. */
export function proxiesOf(env: Pick<Deno.Env, "get">): { https?: string; none?: string } {
  const [https, none] = ["HTTPS_PROXY", "NO_PROXY"].map((name) =>
    env.get(name.toLowerCase()) ?? env.get(name)
  );
  return { ...(https !== undefined && { https }), ...(none !== undefined && { none }) };
}

/** Dials at once when links, addresses or routes have changed. Where the kernel cannot tell, waits do. */
function followUplink(
  { clock, log }: AgentLinkOptions,
  dialler: TunnelDialler,
): () => Promise<void> {
  const libc = Libc.open();
  if (!libc) return () => Promise.resolve();
  try {
    const changes = new NetworkChanges(libc, clock);
    changes.subscribe(() => dialler.uplinkChanged());
    return async () => {
      await changes.close();
      libc.close();
    };
  } catch (error) {
    log.debug("Changes of the uplink are not noticed", { error });
    libc.close();
    return () => Promise.resolve();
  }
}
