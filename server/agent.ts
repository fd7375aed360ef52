import { CheckpointNotices } from "../agent/checkpoint/checkpoint_notices.ts";
import { CheckpointTokens } from "../agent/checkpoint/checkpoint_tokens.ts";
import { keepObjects, type KeptValues, savedViewOf } from "../agent/checkpoint/kept_objects.ts";
import { CheckpointStatuses } from "../agent/reports/kept_statuses.ts";
import type { Client } from "../core/client/client.ts";
import type { TokenSource } from "../core/client/token_source.ts";
import { EventRecorder } from "../core/client/event_recorder.ts";
import { HttpClient } from "../core/client/http_client.ts";
import type { Source } from "../core/client/list_watch.ts";
import { NodeMirror } from "../core/client/feed/node_mirror.ts";
import type { ServerTime } from "../core/client/server_time.ts";
import { ServerLink, type Transport } from "../core/client/server_link.ts";
import type { TunnelDialler } from "../core/client/tunnel/tunnel_dialler.ts";
import { type FarLinks, farTrafficBy } from "./link/far_traffic.ts";
import { pods } from "../core/resources/core/pods/pods.ts";
import { sendReports } from "./kubelet/report_loop.ts";
import { type Context, keepRunning } from "./context.ts";
import { OwnEndpoints } from "../core/traffic/own_endpoints.ts";
import type { TrafficReport } from "../core/traffic/served_traffic.ts";
import { TrafficLoop } from "./kubelet/traffic_loop.ts";
import {
  countsAt,
  createNode,
  type Node,
  type NodeAccess,
  type NodePlatform,
  type NodeSettings,
  runNode,
} from "./node.ts";

/** The API as seen from another process. */
export interface RemoteApi {
  link: ServerLink;
  client: Client & TokenSource;
  /** Not started. */
  mirror: NodeMirror;
  /** What the mirror shows. */
  sources: readonly Source[];
  /** Through which the server asks what is used; absent: it is told. */
  dialler?: Pick<TunnelDialler, "state" | "onChange">;
  /** The server's; absent: the machine's clock shows it. */
  time?: ServerTime;
}

export interface RemoteApiOptions extends Pick<RemoteApi, "dialler" | "time"> {
  transport: Transport;
  /** The server for people, e.g. its URL. */
  server: string;
  /** The node that is connected. */
  node: string;
  /** What the mirror shows. */
  sources: readonly Source[];
}

/** The way to a server. Nothing is asked yet. */
export function connect(
  { clock, random, log }: Context,
  { transport, server, node, sources, ...given }: RemoteApiOptions,
): RemoteApi {
  const link = new ServerLink({ transport, clock, log, server });
  const mirror = new NodeMirror({ link, node, sources, clock, random, log });
  return { link, mirror, sources, client: new HttpClient(link, given.time), ...given };
}

/** What differs between an agent on a machine and one in a simulation. */
export interface AgentEnvironment<P extends NodePlatform = NodePlatform> extends NodeSettings {
  /** Called when the mirror shows all that there is, or was when this node last heard of it. */
  openPlatform(): Promise<P>;
  /** Whether the server renews the lease of the node by itself now; absent: it does not. */
  isLeaseKept?: () => boolean;
  /** The tunnels, by which pods are reached to which no route leads; absent: by nothing but routes. */
  links?: FarLinks;
  /** Called when the node's parts are there. */
  onNode?(node: Node): void;
  /** What the node starts with when it cannot reach the server; absent: it waits for the server. */
  checkpoint?: KeptValues;
}

/**
 * Builds the parts of a node whose server is elsewhere, wires them and runs them; resolves when it serves: with a
 * checkpoint that shows something, without waiting for the server, else when it has joined, however long it takes to reach
 * the server. What is started last is stopped first: the proxy, the agent, the way to the server.
 */
export async function runAgent<P extends NodePlatform>(
  context: Context,
  remote: RemoteApi,
  environment: AgentEnvironment<P>,
): Promise<P> {
  const { link, mirror, dialler } = remote;
  await follow(context, remote, environment.checkpoint);
  const platform = await environment.openPlatform();
  const { nodeName, links } = environment;
  const far = links && farTrafficBy(context, links, { nodeName, view: mirror, platform });
  platform.proxy?.start();
  const { clock } = context;
  const statuses = environment.checkpoint &&
    new CheckpointStatuses(environment.checkpoint, mirror.by(pods, "node", nodeName));
  const node = createNode(context, accessOf(context, remote, environment, statuses), platform);
  environment.onNode?.(node);
  const usage = node.agent?.care.usage;
  if (usage) {
    const reports = { link, usage, node: nodeName, clock, ...(dialler && { dialler }) };
    keepRunning(context, "the reports of what is used", (signal) => sendReports(reports, signal));
  }
  const traffic = new TrafficLoop({
    ...{ link, node: nodeName, clock, counts: () => countsAt(node.proxy) },
  });
  keepRunning(context, "the reports of what is served", (signal) => traffic.run(signal));
  const onServed = (report: TrafficReport) => traffic.take(report);
  await runNode(context, new OwnEndpoints(mirror, nodeName, statuses), {
    ...node,
    ...environment,
    onServed,
    ...(far && { far }),
  });
  return platform;
}

/** Resolves when the mirror shows all that there is, or was when this node last heard of it; what changes is kept. */
async function follow(
  context: Context,
  { mirror, sources }: RemoteApi,
  checkpoint: KeptValues | undefined,
): Promise<void> {
  const saved = checkpoint && savedViewOf(checkpoint);
  if (saved) mirror.restore(saved);
  await startMirror(context, mirror);
  if (checkpoint === undefined) return;
  const resources = sources.map(({ resource }) => resource);
  context.parts.defer(keepObjects(mirror, { resources, checkpoint }));
}

function accessOf(
  { clock, log, parts }: Context,
  { link, mirror, client, time }: RemoteApi,
  { nodeName: host, checkpoint, isLeaseKept }: AgentEnvironment,
  keptStatuses: CheckpointStatuses | undefined,
): NodeAccess {
  const stop = new AbortController();
  const onRestored = (listener: () => void) => link.onRestored(listener);
  const events = new EventRecorder({
    ...{ client, clock, log, host, signal: stop.signal, onRestored, ...(time && { time }) },
    ...(checkpoint && { kept: new CheckpointNotices(checkpoint) }),
  });
  parts.defer(() => stop.abort(new Error("The agent stops")));
  return {
    client,
    tokens: client,
    view: mirror,
    isViewCurrent: () => mirror.isCurrent,
    events,
    onStaleView: () => link.suspect(),
    ...(isLeaseKept && { isLeaseKept }),
    onRestored,
    ...(checkpoint && {
      keptTokens: new CheckpointTokens(checkpoint, clock),
    }),
    ...(keptStatuses && { keptStatuses }),
  };
}

/** Resolves when the mirror shows all that there is, or was. */
async function startMirror({ parts, signal, fail }: Context, mirror: NodeMirror): Promise<void> {
  const stop = new AbortController();
  const running = mirror.start(AbortSignal.any([signal, stop.signal]));
  parts.defer(async () => {
    stop.abort(new Error("The agent stops"));
    await mirror.ended().catch(fail);
  });
  await running;
  mirror.ended().catch(fail);
}
