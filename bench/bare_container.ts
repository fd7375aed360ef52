import { NetnsNetwork } from "../agent/network/netns_network.ts";
import { openPlumbing } from "../agent/network/node_network.ts";
import { LOG_LIMITS } from "../agent/runtimes/log_limits.ts";
import { createBody } from "../agent/runtimes/podman/container_create.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";
import type { ServerProcess } from "../tests/server_process.ts";
import type { Bench } from "./harness.ts";
import { IMAGE, podmanOf } from "./server.ts";

/** Its name in tables. */
export const BARE = "create + start at Podman's API";

/**
 * Creates and starts the same container as Coracle does, in an existing network namespace; returns how many milliseconds
 * that took. It does not wait for the program to answer.
 */
export async function openBare(
  bench: Bench,
  server: ServerProcess,
): Promise<(name: string) => Promise<number>> {
  const podman = podmanOf(server);
  const plumbing = openPlumbing();
  if (plumbing === undefined) throw new Error("Cannot make network namespaces here");
  const log = silentLog(new SystemClock());
  const network = new NetnsNetwork({
    ...{ podCIDR: "10.214.0.0/24", device: "cora-bench", plumbing, log },
  });
  await network.start();
  bench.defer(async () => {
    await network.destroy();
    network.close();
    podman.close();
  });
  const { namespacePath } = await network.add("bench");
  return async (name) => {
    const body = createBody({
      ...{ podUid: name, podName: name, podNamespace: "default", name: "web", restartCount: 0 },
      ...{ image: IMAGE, env: {}, mounts: [], hostname: name, podIP: "10.214.0.2" },
      ...{ logPath: `${server.dataFolder}/${name}.log`, limits: {}, requests: { cpuMillis: 1 } },
      ...{ network: { namespacePath: namespacePath! }, security: {}, tty: false, stdin: false },
    }, { owner: "bench", image: IMAGE, logBytesMax: LOG_LIMITS.bytesMax });
    const startMs = performance.now();
    const { Id } = await podman.json<{ Id: string }>("POST", "/containers/create", { body });
    await podman.send("POST", `/containers/${Id}/start`);
    const tookMs = performance.now() - startMs;
    await podman.send("DELETE", `/containers/${Id}`, { query: { force: "true", timeout: "0" } });
    return tookMs;
  };
}
