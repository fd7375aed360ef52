import { type Command, InvalidArgumentError } from "commander";
import { sysctlPatternFault } from "../../agent/pods/sysctls.ts";

/** Pulls at once that a node may be asked for. */
const PULLS_MAX = 100;
/** The kernel's own bound. */
const PIDS_MAX = 4_194_304;

/** Adds the flags that a kubelet has too, with its names and its defaults. */
export function withKubeletFlags(command: Command): Command {
  return command
    .option("--serialize-image-pulls <bool>", "pull one image at a time (true)", yesOrNo)
    .option(
      "--max-parallel-image-pulls <n>",
      "images to pull at once, without --serialize-image-pulls (5)",
      numberFrom(1, PULLS_MAX),
    )
    .option(
      "--pod-max-pids <n>",
      "processes that a pod may have; -1: all (2048 each container)",
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
