import type { Sockets } from "./sockets.ts";

const RLIMIT_NOFILE = 7;

/**
 * Raises the limit of open files to `wanted`, beyond the hard limit where the process may. Returns the limit now in force.
 * Source: getrlimit(2).
 */
export function raiseDescriptorLimit({ calls }: Sockets, wanted: number): number {
  const limit = new BigUint64Array(2);
  if (calls.getrlimit(RLIMIT_NOFILE, limit) !== 0) return 0;
  const [soft, hard] = [limit[0]!, limit[1]!];
  if (soft >= BigInt(wanted)) return Number(soft);
  if (hard < BigInt(wanted)) {
    limit.fill(BigInt(wanted)); // takes CAP_SYS_RESOURCE
    if (calls.setrlimit(RLIMIT_NOFILE, limit) === 0) return wanted;
    limit[1] = hard;
  }
  limit[0] = hard < BigInt(wanted) ? hard : BigInt(wanted);
  const isRaised = calls.setrlimit(RLIMIT_NOFILE, limit) === 0;
  return Number(isRaised ? limit[0] : soft);
}
