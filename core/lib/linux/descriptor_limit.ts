import type { Sockets } from "./sockets.ts";

const RLIMIT_NOFILE = 7;

/**
 * Raises the limit of open files to `wanted`, as far as the hard limit allows. Returns the limit now in force.
 * Source: getrlimit(2).
 */
export function raiseDescriptorLimit({ calls }: Sockets, wanted: number): number {
  const limit = new BigUint64Array(2);
  if (calls.getrlimit(RLIMIT_NOFILE, limit) !== 0) return 0;
  const [soft, hard] = [limit[0]!, limit[1]!];
  if (soft >= BigInt(wanted)) return Number(soft);
  limit[0] = hard < BigInt(wanted) ? hard : BigInt(wanted);
  const isRaised = calls.setrlimit(RLIMIT_NOFILE, limit) === 0;
  return Number(isRaised ? limit[0] : soft);
}
