import { isRefusal } from "../../core/client/api_error.ts";
import { Deadline } from "../../core/lib/deadline.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import { daemonSets } from "../../core/resources/apps/daemon_sets.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { CommandError } from "../../server/command_error.ts";
import type { Terminal } from "../../server/terminal.ts";
import { cordon } from "./cordon.ts";
import { daemonSetOf, drainPlan, type DrainRules } from "./drain_plan.ts";
import type { NodeServer } from "./node_server.ts";

/** kubectl's pause after an eviction that a budget forbids for now. */
const RETRY_MS = 5_000;
/** How often is looked whether an evicted pod has gone. */
const LOOK_MS = 1_000;

export interface DrainOptions extends DrainRules {
  /** Seconds; absent: what each pod says. */
  gracePeriod?: number;
  /** 0: for ever. */
  timeoutMs: number;
}

/** Takes a node out of service: nothing new is placed on it, and its pods are evicted. In the words of `kubectl drain`. */
export async function drain(
  server: NodeServer,
  name: string,
  options: DrainOptions,
  terminal: Terminal,
): Promise<void> {
  await cordon(server, name, { unschedulable: true }, terminal);
  const present = await server.list(pods, { query: { fieldSelector: `spec.nodeName=${name}` } });
  const plan = drainPlan(present, options, await missingDaemonSets(server, present));
  if (plan.errors.length > 0) {
    throw new CommandError(
      `unable to drain node "${name}" due to error: ${joined(plan.errors)}; it stays cordoned`,
    );
  }
  if (plan.warnings.length > 0) terminal.err(`Warning: ${plan.warnings.join("; ")}\n`);
  const late = () => new CommandError(`global timeout reached: ${options.timeoutMs / 1_000}s`);
  const { clock } = server;
  using deadline = new Deadline(
    { clock, ms: options.timeoutMs || Infinity, late },
    terminal.signal,
  );
  const work = { server, options, terminal, signal: deadline.signal };
  const ends = await Promise.allSettled(plan.evict.map((pod) => evict(pod, work)));
  const faults = ends.flatMap((end) => end.status === "rejected" ? [messageOf(end.reason)] : []);
  if (faults.length > 0) {
    throw new CommandError(`unable to drain node "${name}" due to error: ${joined(faults)}`);
  }
  terminal.out(`node/${name} drained\n`);
}

interface Work {
  server: NodeServer;
  options: DrainOptions;
  terminal: Terminal;
  signal: AbortSignal;
}

/** Resolves when the pod has gone. */
async function evict(pod: Pod, { server, options, terminal, signal }: Work): Promise<void> {
  const { namespace = "", name } = pod.metadata;
  const failed = `error when evicting pods/"${name}" -n "${namespace}"`;
  terminal.out(`evicting pod ${namespace}/${name}\n`);
  const { gracePeriod } = options;
  const deleteOptions = {
    preconditions: { uid: pod.metadata.uid },
    ...(gracePeriod !== undefined && { gracePeriodSeconds: gracePeriod }),
  };
  for (;;) {
    if (signal.aborted) throw new CommandError(`${failed}: ${messageOf(signal.reason)}`);
    try {
      const metadata = { name, namespace };
      await server.client.act(pods, pod.metadata, "eviction", { metadata, deleteOptions });
      break;
    } catch (error) {
      if (isRefusal(error, "NotFound") || isRefusal(error, "Conflict")) return;
      if (!isRefusal(error, "TooManyRequests")) throw new Error(`${failed}: ${messageOf(error)}`);
      terminal.err(`${failed} (will retry after 5s): ${messageOf(error)}\n`);
      await server.clock.sleep(RETRY_MS, signal).catch(() => {}); // looked at above
    }
  }
  await untilGone(pod, { server, signal });
  terminal.out(`pod/${name} evicted\n`);
}

/** Another pod of the same name may have taken its place. */
async function untilGone(
  pod: Pod,
  { server, signal }: Pick<Work, "server" | "signal">,
): Promise<void> {
  const { namespace, name, uid } = pod.metadata;
  while ((await server.find(pods, pod.metadata))?.metadata.uid === uid) {
    if (signal.aborted) {
      throw new CommandError(
        `error when waiting for pod "${name}" in namespace "${namespace}" to terminate: ${
          messageOf(signal.reason)
        }`,
      );
    }
    await server.clock.sleep(LOOK_MS, signal).catch(() => {}); // looked at above
  }
}

async function missingDaemonSets(server: NodeServer, present: readonly Pod[]) {
  const named = new Map<string, { namespace?: string; name: string }>();
  for (const pod of present) {
    const name = daemonSetOf(pod);
    const { namespace } = pod.metadata;
    if (name !== undefined) {
      named.set(`${namespace}/${name}`, { ...namespace && { namespace }, name });
    }
  }
  const missing = new Set<string>();
  for (const [key, name] of named) {
    if (await server.find(daemonSets, name) === undefined) missing.add(key);
  }
  return missing;
}

/** As Go joins several errors. */
function joined(messages: readonly string[]): string {
  return messages.length === 1 ? messages[0]! : `[${messages.join(", ")}]`;
}
