import { type Command, InvalidArgumentError } from "commander";
import { parseThresholds, type Threshold } from "../../agent/eviction/thresholds.ts";
import { DurationError, durationMsOf } from "../../core/schema/durations.ts";
import type { Taint } from "../../core/resources/core/nodes/nodes.ts";
import { isOwnLabel } from "../../core/resources/core/nodes/own_labels.ts";
import { labelValueFaults, qualifiedNameFaults } from "../../core/schema/names.ts";
import { QuantityError, quantityFault, unitsOf } from "../../core/schema/quantities.ts";
import { sysctlPatternFault } from "../../agent/runtimes/sysctls.ts";

/** Pulls at once that a node may be asked for. */
const PULLS_MAX = 100;
/** The kernel's own bound. */
const PIDS_MAX = 4_194_304;
/** Pods that a node may be told to take. */
const PODS_MAX = 1_000;
const DURATION_MS_MAX = 24 * 3_600_000;

/** Adds the flags that a kubelet has too, with its names and its defaults. */
export function withKubeletFlags(command: Command): Command {
  return withPodFlags(withReserveFlags(withImageFlags(withRegistrationFlags(command))));
}

function withImageFlags(command: Command): Command {
  return command
    .option("--serialize-image-pulls <bool>", "pull one image at a time (true)", yesOrNo)
    .option(
      "--max-parallel-image-pulls <n>",
      "images to pull at once, without --serialize-image-pulls (5)",
      numberFrom(1, PULLS_MAX),
    )
    .option(
      "--image-gc-high-threshold <percent>",
      "remove unused images when so much of the disk is full (85)",
      numberFrom(1, 100),
    )
    .option(
      "--image-gc-low-threshold <percent>",
      "remove them until so much of it is full (80)",
      numberFrom(0, 100),
    )
    .option(
      "--minimum-image-ttl-duration <duration>",
      "keep unused images at least so long (2m)",
      durationMs,
    );
}

/** What pods do not get. */
function withReserveFlags(command: Command): Command {
  return command
    .option(
      "--shutdown-grace-period <duration>",
      "hold up the shutdown of the machine so long for pods to end (0)",
      durationMs,
    )
    .option(
      "--shutdown-grace-period-critical-pods <duration>",
      "of that the last part, for critical pods alone (0)",
      durationMs,
    )
    .option("--max-pods <n>", "pods that this node takes (110)", numberFrom(1, PODS_MAX))
    .option(
      "--system-reserved <amounts>",
      "what pods do not get, for the machine, such as cpu=200m,memory=500Mi",
      amounts,
    )
    .option("--kube-reserved <amounts>", "the same, for Coracle", amounts)
    .option(
      "--eviction-hard <thresholds>",
      "evict pods when there is less, such as memory.available<100Mi,nodefs.available<10%",
      thresholds,
    )
    .option(
      "--eviction-pressure-transition-period <duration>",
      "how long pressure is told after it is gone (5m)",
      durationMs,
    );
}

/** How the node presents itself. */
function withRegistrationFlags(command: Command): Command {
  return command
    .option("--node-labels <labels>", "labels of this node, such as zone=a,tier=edge", nodeLabels)
    .option(
      "--register-with-taints <taints>",
      "taints that this node begins with, such as site=remote:NoSchedule",
      nodeTaints,
    );
}

function nodeLabels(text: string): Record<string, string> {
  const pairs = text.split(",").filter(Boolean).map((each) => {
    const [key = "", value = "", ...rest] = each.split("=");
    const fault = rest.length > 0
      ? "it has two equal signs"
      : [...qualifiedNameFaults(key), ...labelValueFaults(value)][0];
    if (fault !== undefined) throw new InvalidArgumentError(`"${each}" is no KEY=VALUE: ${fault}.`);
    return [key, value] as const;
  });
  const unknown = pairs.map(([key]) => key).filter((key) => !isOwnLabel(key));
  if (unknown.length === 0) return Object.fromEntries(pairs);
  throw new InvalidArgumentError(
    `unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [${
      unknown.join(" ")
    }]`,
  );
}

function nodeTaints(text: string): Taint[] {
  return text.split(",").filter(Boolean).map((each) => {
    const [, key = "", value, effect] =
      /^([^=:]+)(?:=([^=:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(each) ?? [];
    const fault = effect === undefined
      ? "its effect is NoSchedule, PreferNoSchedule or NoExecute"
      : [...qualifiedNameFaults(key), ...labelValueFaults(value ?? "")][0];
    if (fault !== undefined) {
      throw new InvalidArgumentError(`"${each}" is no KEY=VALUE:EFFECT: ${fault}.`);
    }
    return { key, ...(value && { value }), effect } as Taint;
  });
}

function withPodFlags(command: Command): Command {
  return command
    .option("--pod-manifest-path <dir>", "folder with files of static pods of this node")
    .option(
      "--pod-max-pids <n>",
      "processes that a pod may have; -1: all (256 for each CPU)",
      pids,
    )
    .option(
      "--allowed-unsafe-sysctls <patterns>",
      "sysctls that pods may set besides the safe ones",
      sysctlPatterns,
    );
}

function sysctlPatterns(text: string): string[] {
  const patterns = text.split(",").filter((each) => each !== "");
  const fault = patterns.map(sysctlPatternFault).find((each) => each !== undefined);
  if (fault === undefined) return patterns;
  throw new InvalidArgumentError(
    `Patterns must be such as kernel.msg*,net.core.somaxconn: ${fault}.`,
  );
}

function pids(text: string): number {
  return text === "-1" ? -1 : numberFrom(1, PIDS_MAX)(text);
}

/** What can be reserved. */
const RESERVABLE = ["cpu", "memory", "ephemeral-storage", "pid"];

function amounts(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(",").filter((each) => each !== "").map((each) => {
      const [name = "", amount = "", ...rest] = each.split("=");
      const fault = rest.length > 0 ? "it has two equal signs" : quantityFault(amount);
      if (RESERVABLE.includes(name) && fault === undefined && unitsOf(amount) >= 0) {
        return [name, amount];
      }
      throw new InvalidArgumentError(
        `It must be amounts of ${RESERVABLE.join(", ")}, such as cpu=200m,memory=500Mi.`,
      );
    }),
  );
}

function thresholds(text: string): Threshold[] {
  try {
    return parseThresholds(text);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new InvalidArgumentError(
      `It must be thresholds such as memory.available<100Mi,nodefs.available<10%: ${error.message}.`,
    );
  }
}

function durationMs(text: string): number {
  try {
    const ms = durationMsOf(text);
    if (ms >= 0 && ms <= DURATION_MS_MAX) return ms;
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
  }
  throw new InvalidArgumentError("It must be a duration such as 5m, of a day at most.");
}

function yesOrNo(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("It must be true or false.");
}

function numberFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}
