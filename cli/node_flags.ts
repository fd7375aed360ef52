import { type Command, InvalidArgumentError, Option } from "commander";
import { type DeviceFlag, parseDeviceFlag } from "../agent/devices/device_flag.ts";
import { RUNTIMES } from "../agent/runtimes/mod.ts";
import { AUTO, runtimeChoices } from "../agent/runtimes/runtime_choice.ts";
import { withKubeletFlags } from "./flags/kubelet_flags.ts";
import { QuantityError, unitsOf } from "../core/schema/quantities.ts";

/** With less, files would be rotated all the time. */
const LOG_BYTES_MIN = 64 * 1024;
/** The kubelet's minimum: the file that is written to, and the one before it. */
const LOG_FILES_MIN = 2;
const LOG_FILES_MAX = 100;

/** Adds the flags of a node. `dataFolder`: the default for `--data`. */
export function withNodeFlags(command: Command, dataFolder: string): Command {
  command
    .option("--data <dir>", "folder for all data", dataFolder)
    .addOption(runtimeOption());
  for (const { usage, description } of RUNTIMES.flatMap(({ flags = [] }) => flags)) {
    command.option(usage, description);
  }
  return withKubeletFlags(command)
    .option("--node <name>", "name of this node", nodeName, Deno.hostname().toLowerCase())
    .option("--pod-cidr <cidr>", "addresses of this node's pods", ipv4Range)
    .addOption(
      new Option("--service-cidr <cidr>", "addresses of Services").argParser(ipv4Range).hideHelp(),
    )
    .option(
      "--gateway-address <addr>",
      "address for listeners of Gateways",
      ipAddress,
      "0.0.0.0",
    )
    .addOption(deviceOption())
    .option("--stop-pods", "stop the pods too when this process ends", false)
    .option(
      "--container-log-max-size <size>",
      "rotate a container's log at this size (10Mi)",
      logBytes,
    )
    .option(
      "--container-log-max-files <n>",
      "log files to keep of each container (5)",
      logFiles,
    )
    .addOption(new Option("--temporary", "remove everything at the end").hideHelp())
    .addOption(
      new Option("--log-level <level>", "how much is logged to standard error")
        .choices(["debug", "info", "warn", "error"]).default("info"),
    );
}

/** The `--runtime` flag, which several commands have. */
export function runtimeOption(): Option {
  return new Option("--runtime <name>", "what runs containers: Podman, or plain processes")
    .choices(runtimeChoices(RUNTIMES)).default(AUTO);
}

/** A range with at least two addresses for pods, e.g. `10.42.0.0/24`. */
export function ipv4Range(text: string): string {
  const match = text.match(/^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/);
  const bytes = match?.slice(1, 5).map(Number) ?? [];
  const bits = Number(match?.[5]);
  if (!match || bytes.some((byte) => byte > 255) || bits < 8 || bits > 30) {
    throw new InvalidArgumentError("It must be an IPv4 range of /8 to /30, such as 10.42.0.0/24.");
  }
  return text;
}

function logBytes(text: string): number {
  const bytes = bytesOf(text);
  if (bytes !== undefined && bytes >= LOG_BYTES_MIN && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError("It must be a size of at least 64Ki, such as 10Mi.");
}

function bytesOf(text: string): number | undefined {
  try {
    return unitsOf(text);
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

function logFiles(text: string): number {
  const files = /^\d+$/.test(text) ? Number(text) : 0;
  if (files >= LOG_FILES_MIN && files <= LOG_FILES_MAX) return files;
  throw new InvalidArgumentError(`It must be a number from ${LOG_FILES_MIN} to ${LOG_FILES_MAX}.`);
}

function deviceOption(): Option {
  const description =
    "device that pods may request as coracle.dev/NAME; NAME=PATH:N for N containers at once";
  return new Option("--device <name=path>", description).argParser(deviceFlags);
}

/** Each use of the flag adds one. */
function deviceFlags(text: string, previous: readonly DeviceFlag[] = []): readonly DeviceFlag[] {
  const device = parseDeviceFlag(text);
  if (typeof device === "string") throw new InvalidArgumentError(`${device}.`);
  return [...previous, device];
}

function ipAddress(text: string): string {
  const isIpv4 = /^(\d{1,3}\.){3}\d{1,3}$/.test(text) &&
    text.split(".").every((byte) => Number(byte) <= 255);
  if (!isIpv4 && !/^[0-9a-fA-F:]*:[0-9a-fA-F:]+$/.test(text)) {
    throw new InvalidArgumentError("It must be an IP address, such as 127.0.0.1.");
  }
  return text;
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names */
export function nodeName(text: string): string {
  if (
    text.length > 253 ||
    !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
  ) {
    throw new InvalidArgumentError(
      "It must be a DNS subdomain: lower-case letters, digits, '-', '.'.",
    );
  }
  return text;
}
