import { ApiError, isRefusal } from "../core/client/api_error.ts";
import { EventRecorder } from "../core/client/event_recorder.ts";
import { HttpClient } from "../core/client/http_client.ts";
import { HttpsTransport } from "../core/client/https_transport.ts";
import { LinkError } from "../core/client/link_error.ts";
import type { Source } from "../core/client/list_watch.ts";
import { Mirror } from "../core/client/mirror.ts";
import { objectPath } from "../core/client/object_path.ts";
import { ServerLink } from "../core/client/server_link.ts";
import { configMaps } from "../core/resources/core/config_maps.ts";
import { endpointSlices } from "../core/resources/discovery/endpoint_slices.ts";
import { gatewayClasses } from "../core/resources/gateway/gateway_classes.ts";
import { gateways } from "../core/resources/gateway/gateways.ts";
import { httpRoutes } from "../core/resources/gateway/http_routes.ts";
import { leases } from "../core/resources/coordination/leases.ts";
import { namespaces } from "../core/resources/core/namespaces.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { pods } from "../core/resources/core/pods/pods.ts";
import { secrets } from "../core/resources/core/secrets.ts";
import { services } from "../core/resources/core/services/services.ts";
import { nodeAddress } from "./addresses.ts";
import { refuseOthersIdentity } from "./agent_identity.ts";
import type { AgentFlags } from "./options.ts";
import { Assembly } from "./assembly.ts";
import { CommandError } from "./command_error.ts";
import { type Terminal } from "./terminal.ts";
import type { Ground } from "./ground.ts";
import { type Access, readAccess } from "./kubeconfig.ts";
import { createNode, runNode } from "./node.ts";
import { openNode } from "./node_ground.ts";
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
    return await Assembly.start(flags, terminal, (ground) => build(ground, used, terminal.signal));
  } catch (error) {
    if (terminal.signal.aborted) return undefined;
    throw error;
  }
}

/** What is started last is stopped first: the proxy, the agent, the way to the server. */
async function build(
  ground: Ground<AgentFlags>,
  access: Access,
  signal: AbortSignal,
): Promise<Built> {
  const { flags, clock, log, parts } = ground;
  const { server } = access;
  const link = openLink(ground, access);
  const view = await openMirror(ground, link, signal);
  const client = new HttpClient(link);
  const podCidr = await rangeOf(ground, { client, view, signal });
  const node = await openNode({ ...ground, flags: { ...flags, ...(podCidr && { podCidr }) } });
  const stop = new AbortController();
  const events = new EventRecorder({ client, clock, log, host: flags.node, signal: stop.signal });
  parts.defer(() => stop.abort(new Error("The agent stops")));
  const hostIP = await addressTowards(server);
  const nodeAccess = { client, view, events, onStaleView: () => link.suspect() };
  const made = await createNode(ground, nodeAccess, { ...node, hostIP, labels: {} });
  await runNode(ground, { view }, { ...made, ...node });
  return { server, runtime: node.title, podCidr: node.podCidr };
}

/** Without root pods have loopback addresses, which belong to this machine alone. */
async function rangeOf(
  { flags, clock, log }: Ground<AgentFlags>,
  { client, view, signal }: { client: HttpClient; view: Mirror; signal: AbortSignal },
): Promise<string | undefined> {
  const { podCidr, node: nodeName } = flags;
  if (podCidr !== undefined) checkRange(view, nodeName, podCidr);
  if (podCidr !== undefined || Deno.uid() !== 0) return podCidr;
  return await givenRange({ client, view, nodeName, clock, log, signal });
}

function openLink({ clock, log, parts }: Ground, access: Access): ServerLink {
  const https = new HttpsTransport({ ...access, userAgent: `coracle-agent/${VERSION}` });
  parts.defer(() => https.close());
  return new ServerLink({ transport: https.send, clock, log, server: access.server });
}

async function openMirror(
  { flags, clock, random, log, parts, fail }: Ground,
  link: ServerLink,
  signal: AbortSignal,
): Promise<Mirror> {
  await greet(link, flags.node, signal);
  const mirror = new Mirror({ link, sources: sourcesOf(flags.node), clock, random, log });
  const stop = new AbortController();
  const running = mirror.start(AbortSignal.any([signal, stop.signal]));
  parts.defer(async () => {
    stop.abort(new Error("The agent stops"));
    await mirror.ended().catch(fail);
  });
  await running;
  mirror.ended().catch(fail);
  return mirror;
}

/** Says at once what waiting does not mend. A server that does not answer may do so later. */
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

/** All that the agent and the proxy look at: of pods and leases what is this node's. */
function sourcesOf(node: string): Source[] {
  return [
    { resource: pods, fieldSelector: `spec.nodeName=${node}` },
    { resource: leases, namespace: "kube-node-lease", fieldSelector: `metadata.name=${node}` },
    ...[nodes, configMaps, secrets, namespaces].map((resource) => ({ resource })),
    ...[services, endpointSlices, gatewayClasses, gateways, httpRoutes]
      .map((resource) => ({ resource })),
  ];
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
