import { killTree, processesNaming } from "../../../core/lib/linux/process_table.ts";
import type { ContainerListEntry } from "./container_state.ts";
import type { PodmanClient } from "./podman_client.ts";
import type { OwnPodman } from "./podman.ts";

/** An entry of `runc list --format json`; crun's is the same. */
interface RuntimeEntry {
  id: string;
  bundle: string;
  status: "creating" | "created" | "running" | "paused" | "stopped";
}

/** A monitor (conmon), with the container that its command line names. */
export interface Monitor {
  pid: number;
  containerId: string;
}

/**
 * A service that is killed in mid-start leaves processes that no call of Podman's API ends: the monitor, the OCI
 * runtime at work, the container's first process. Removes them while no service runs, so that none of them can be
 * a start in progress. Touches nothing outside our own storage. Resolves with the ids of what runs.
 */
export async function removeHalfStarted(own: OwnPodman): Promise<ReadonlySet<string>> {
  const entries = await runtimeEntries(own);
  // The monitor of a container that has stopped is at its clean-up.
  const settled = new Set(
    entries.filter(({ status }) => status !== "created" && status !== "creating")
      .map(({ id }) => id),
  );
  const stale = (await monitors(own)).filter(({ containerId }) => !settled.has(containerId));
  for (const { pid, containerId } of stale) {
    await killTree(pid);
    await deleteFromRuntime(own, containerId);
  }
  const halfStarted = (await runtimeEntries(own)).filter(({ id }) => !settled.has(id));
  for (const { id } of halfStarted) await deleteFromRuntime(own, id);
  return new Set(
    entries.filter(({ status }) => status === "running" || status === "paused").map(({ id }) => id),
  );
}

/**
 * Ends what ran before the service was started and is not known to it as running: it was killed between the start
 * and writing that down.
 */
export async function removeUnknown(
  client: PodmanClient,
  own: OwnPodman,
  ranBefore: ReadonlySet<string>,
): Promise<void> {
  if (ranBefore.size === 0) return;
  const running = await client.json<ContainerListEntry[]>("GET", "/containers/json", {
    query: { all: "true", filters: JSON.stringify({ status: ["running", "paused"] }) },
  });
  const known = new Set(running.map(({ Id }) => Id));
  for (const id of ranBefore) if (!known.has(id)) await deleteFromRuntime(own, id);
}

/** Ends all containers of a service that does not run, as far as the OCI runtime knows them. */
export async function endAll(own: OwnPodman): Promise<void> {
  await removeHalfStarted(own);
  for (const { id } of await runtimeEntries(own)) await deleteFromRuntime(own, id);
}

/** The monitors of our containers; each is there as long as its container runs, and a little longer. */
export async function monitors(own: OwnPodman): Promise<readonly Monitor[]> {
  return (await processesNaming([own.exitsFolder])).flatMap(({ pid, words }) => {
    const at = words.indexOf("-c");
    return at < 0 ? [] : [{ pid, containerId: words[at + 1] ?? "" }];
  });
}

async function runtimeEntries(own: OwnPodman): Promise<readonly RuntimeEntry[]> {
  const { stdout } = await new Deno.Command(own.ociRuntime, {
    args: ["list", "--format", "json"],
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  const entries = (text === "" ? [] : JSON.parse(text) ?? []) as readonly RuntimeEntry[];
  return entries.filter(({ bundle }) => bundle.startsWith(`${own.storageFolder}/`));
}

async function deleteFromRuntime(own: OwnPodman, id: string): Promise<void> {
  await new Deno.Command(own.ociRuntime, {
    args: ["delete", "--force", id],
    stdout: "null",
    stderr: "null",
  }).output();
  // What was killed before it could write its state is unknown to the runtime, and stays.
  await Deno.remove(`${own.ociStateFolder}/${id}`, { recursive: true }).catch(() => {});
}
