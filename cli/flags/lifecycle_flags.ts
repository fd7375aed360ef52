import { type Command, InvalidArgumentError } from "commander";
import { DurationError, durationMsOf } from "../../core/schema/durations.ts";

/** Shorter than this a node would be lost between two heartbeats. */
const GRACE_MS_MIN = 1_000;
const RATE_MAX = 1_000;

/** Adds the flags of Kubernetes' node lifecycle controller, with its names and its defaults. */
export function withLifecycleFlags(command: Command): Command {
  return command
    .option(
      "--node-monitor-grace-period <duration>",
      "how long the agent of a node may be silent before the node is lost (50s)",
      graceMs,
    )
    .option(
      "--node-eviction-rate <number>",
      "lost nodes a second whose pods are evicted, in each zone (0.1)",
      rate,
    )
    .option(
      "--secondary-node-eviction-rate <number>",
      "the same in a large zone with an outage; in others none are (0.01)",
      rate,
    )
    .option(
      "--unhealthy-zone-threshold <share>",
      "share of its nodes not ready, 3 at least, from which on a zone has an outage (0.55)",
      share,
    )
    .option(
      "--large-cluster-size-threshold <nodes>",
      "a zone with more nodes is large (50)",
      nodeCount,
    );
}

function graceMs(text: string): number {
  try {
    const ms = durationMsOf(text);
    if (ms >= GRACE_MS_MIN) return ms;
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
  }
  throw new InvalidArgumentError("It must be a duration of at least 1s, such as 50s.");
}

/** `0.1`; 0: none. */
function rate(text: string): number {
  const perSecond = numberOf(text);
  if (perSecond <= RATE_MAX) return perSecond;
  throw new InvalidArgumentError(`It must be a number from 0 to ${RATE_MAX}, such as 0.1.`);
}

function nodeCount(text: string): number {
  const nodes = numberOf(text);
  if (Number.isInteger(nodes)) return nodes;
  throw new InvalidArgumentError("It must be a whole number, such as 50.");
}

function share(text: string): number {
  const part = numberOf(text);
  if (part <= 1) return part;
  throw new InvalidArgumentError("It must be a number from 0 to 1, such as 0.55.");
}

/** Infinity for what is not a number. */
function numberOf(text: string): number {
  return /^\d{1,6}(\.\d{1,9})?$/.test(text) ? Number(text) : Infinity;
}
