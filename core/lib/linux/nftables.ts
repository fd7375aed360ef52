import type { Libc } from "./libc.ts";
import { attributesOf, FLAG, Netlink, NetlinkMessage } from "./netlink.ts";

/** Numbers of `linux/netfilter/nfnetlink.h` and `linux/netfilter/nf_tables.h`. */
const NETLINK_NETFILTER = 12;
const GET_GENERATION = 10 << 8 | 16;
const HEAD_BYTES = 4;
const GENERATION_ID = 1;

/**
 * The generation of the nftables rules in this namespace, which the kernel increments with each change by any process.
 * Throws `SystemError` where there is no nftables.
 */
export function rulesGeneration(libc: Libc): number {
  const netlink = new Netlink(libc, NETLINK_NETFILTER);
  try {
    const head = [[0, 1], [0, 1], [0, 2]] as const;
    const message = new NetlinkMessage(GET_GENERATION, FLAG.request, head);
    const answer = netlink.ask(message, "ask for the generation of the rules");
    return attributesOf(answer, HEAD_BYTES).get(GENERATION_ID)!.getUint32(0);
  } finally {
    netlink.close();
  }
}
