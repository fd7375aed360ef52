import { agentSources } from "../agent/agent_sources.ts";
import { ApiError, isRefusal } from "../core/client/api_error.ts";
import { HttpsTransport } from "../core/client/https_transport.ts";
import { LinkError } from "../core/client/link_error.ts";
import type { Source } from "../core/client/list_watch.ts";
import { objectPath } from "../core/client/object_path.ts";
import type { ServerLink, Transport } from "../core/client/server_link.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { ROUTE_SOURCES } from "../proxy/threads/run_proxy.ts";
import { nodeAddress } from "./addresses.ts";
import { connect, type RemoteApi, runAgent } from "./agent.ts";
import { refuseOthersIdentity } from "./agent_identity.ts";
import type { AgentFlags } from "./options.ts";
import { Assembly } from "./assembly.ts";
import { CommandError } from "./command_error.ts";
import { type Terminal } from "./terminal.ts";
import type { CommandContext } from "./context.ts";
import { type Access, readAccess } from "./kubeconfig.ts";
import { openMachine } from "./node_platform.ts";
import { NODE_REGISTRY } from "./node_registry.ts";
import { checkRange, givenRange } from "./pod_range.ts";
import { VERSION } from "./version.ts";

interface Built {
  /** Address of the server. */
  server: string;
  runtime: string;
  podCidr: string;
}

/**
 * A node whose server is elsewhere: the same agent and the same proxy, over HTTPS. Resolves when it has joined,
 * however long it takes to reach the server; `undefined` when the terminal's signal aborts before.
 */
export async function startAgent(
  flags: AgentFlags,
  terminal: Terminal,
): Promise<Assembly<Built> | undefined> {
  const access = await readAccess(flags.kubeconfig);
  const used = { ...access, ...(flags.server === undefined ? {} : { server: flags.server }) };
  refuseOthersIdentity(used, flags.node);
  try {
    return await Assembly.start(flags, terminal, (context) => build(context, used));
  } catch (error) {
    if (terminal.signal.aborted) return undefined;
    throw error;
  }
}

async function build(
  context: CommandContext<AgentFlags>,
  access: Access,
): Promise<Built> {
  const { flags, signal } = context;
  const { node: nodeName, gatewayAddress, stopPods } = flags;
  const { server } = access;
  const remote = connect(context, {
    transport: openTransport(context, access),
    server,
    sources: sourcesOf(nodeName),
  });
  await greet(remote.link, nodeName, signal);
  const { title, podCidr } = await runAgent(context, remote, {
    ...{ nodeName, gatewayAddress, stopPods },
    openPlatform: async () => {
      const podCidr = await rangeOf(context, remote);
      const flagsWithRange = { ...flags, ...(podCidr && { podCidr }) };
      const hostIP = await addressTowards(server);
      const machine = { registry: NODE_REGISTRY, hostIP, labels: {} };
      return await openMachine({ ...context, flags: flagsWithRange }, machine);
    },
  });
  return { server, runtime: title, podCidr };
}

function openTransport({ parts }: CommandContext, access: Access): Transport {
  const https = new HttpsTransport({ ...access, userAgent: `coracle-agent/${VERSION}` });
  parts.defer(() => https.close());
  return https.send;
}

/** Without root pods have loopback addresses, which belong to this machine alone. */
async function rangeOf(
  { flags, clock, log, signal }: CommandContext<AgentFlags>,
  { client, mirror: view }: RemoteApi,
): Promise<string | undefined> {
  const { podCidr, node: nodeName } = flags;
  if (podCidr !== undefined) checkRange(view, nodeName, podCidr);
  if (podCidr !== undefined || Deno.uid() !== 0) return podCidr;
  return await givenRange({ client, view, nodeName, clock, log, signal });
}

/** Fails fast on errors that retrying cannot fix. A server that does not answer may do so later. */
async function greet(link: ServerLink, node: string, signal: AbortSignal): Promise<void> {
  try {
    await link.ask({ method: "GET", path: objectPath(nodes, { name: node }) }, signal);
  } catch (error) {
    if (isRefusal(error, "NotFound")) return;
    const isForever = error instanceof ApiError || /certificate/i.test(String(error));
    if (!isForever && error instanceof LinkError) return;
    if (!isForever) throw error;
    throw new CommandError(
      `Cannot join the cluster: ${
        (error as Error).message
      }; is the kubeconfig of this very server, and is it not revoked?`,
    );
  }
}

/** All that the agent and the proxy look at, each kind once. */
function sourcesOf(node: string): Source[] {
  const ofAgent = agentSources(node, NODE_REGISTRY.volumeTypes);
  const ofProxy = ROUTE_SOURCES.filter((kind) =>
    ofAgent.every(({ resource }) => resource !== kind)
  );
  return [...ofAgent, ...ofProxy.map((resource) => ({ resource }))];
}

/** This machine's address on the way to the server: by it other nodes that reach the server reach this one. */
async function addressTowards(server: string): Promise<string> {
  const { hostname, port } = new URL(server);
  try {
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    using connection = await Deno.connect({ hostname: host, port: Number(port || 443) });
    const { hostname: own } = connection.localAddr;
    return own.startsWith("127.") ? nodeAddress(Deno.networkInterfaces()) : own;
  } catch {
    return nodeAddress(Deno.networkInterfaces()); // it was there a moment ago: the best guess
  }
}
