import { InvalidArgumentError } from "commander";

/** `127.0.0.1:6443`, `[::1]:0`, `localhost:6443`. */
export function listenAddress(text: string): { host: string; port: number } {
  const match = text.match(/^(?:\[([0-9a-fA-F:]+)\]|([^:\s[\]]+)):(\d{1,5})$/);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new InvalidArgumentError("It must be HOST:PORT, such as 127.0.0.1:6443.");
  }
  return { host: match[1] ?? match[2]!, port };
}

/** `30`, `0.5`. */
export function secondsOf(text: string): number {
  if (!/^\d{1,5}(\.\d+)?$/.test(text)) {
    throw new InvalidArgumentError("It must be a number of seconds, such as 30.");
  }
  return Number(text);
}
