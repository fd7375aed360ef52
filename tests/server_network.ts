import { createPodNetwork } from "../agent/network/node_network.ts";
import { gatewayDevice } from "../server/addresses.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";

/** The ranges of pod and service addresses of one server in the tests. */
export function rangesOf(subnet: number): { podCIDR: string; serviceCIDR: string } {
  const [pods, services] = Deno.uid() === 0 ? ["10.143", "10.197"] : ["127.43", "127.97"];
  return { podCIDR: `${pods}.${subnet}.0/24`, serviceCIDR: `${services}.${subnet}.0/24` };
}

/** Removes the network of a server that was killed, which a restart would reuse and a clean stop remove. */
export async function removeNetwork(dataFolder: string, subnet: number): Promise<void> {
  const network = await createPodNetwork({
    kind: "auto",
    folder: `${dataFolder}/network`,
    ...rangesOf(subnet),
    device: await gatewayDevice(dataFolder),
    log: silentLog(new SystemClock()),
  });
  await network.destroy();
}
