import { programPath } from "../../core/lib/linux/program.ts";

/** Which packets of pods leave with the node's address: those to destinations outside the cluster. */
export interface Masquerade {
  /** Name of the nftables table, ours alone. */
  table: string;
  podCIDR: string;
  /** Ranges in which pods are known by their own addresses. */
  clusterCIDRs: readonly string[];
}

/** The table as nft(8) reads it. Replaces what was there before, in one transaction. */
export function masqueradeRules({ table, podCIDR, clusterCIDRs }: Masquerade): string {
  return `add table ip ${table}
delete table ip ${table}
table ip ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${podCIDR} ip daddr != { ${clusterCIDRs.join(", ")} } masquerade
  }
}
`;
}

/** Loads the table. `undefined`: done; else the reason why pods reach nothing outside the cluster. */
export function addMasquerade(masquerade: Masquerade): Promise<string | undefined> {
  return nft(masqueradeRules(masquerade));
}

export async function removeMasquerade({ table }: Masquerade): Promise<void> {
  await nft(`add table ip ${table}\ndelete table ip ${table}\n`);
}

async function nft(rules: string): Promise<string | undefined> {
  const program = programPath("nft");
  if (program === undefined) {
    return '"nft" is not installed; install it with "apt-get install nftables"';
  }
  const child = new Deno.Command(program, {
    args: ["-f", "-"],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(rules));
  await writer.close();
  const { success, stderr } = await child.output();
  return success ? undefined : new TextDecoder().decode(stderr).trim().split("\n")[0];
}
