import type { ContainerListEntry } from "./container_state.ts";
import type { PodmanClient } from "./podman_client.ts";
import type { OwnPodman } from "./podman_service.ts";

/** An entry of `runc list --format json`; crun's is the same. */
interface RuntimeEntry {
  id: string;
  bundle: string;
}

/**
 * Deletes what the OCI runtime has and Podman does not know as running: a service that was killed in mid-start
 * leaves processes that no call of Podman's API ends. Touches nothing outside our own storage.
 */
export async function removeLeftovers(client: PodmanClient, own: OwnPodman): Promise<void> {
  const entries = await runtimeEntries(own);
  if (entries.length === 0) return;
  const running = await client.json<ContainerListEntry[]>("GET", "/containers/json", {
    query: { all: "true", filters: JSON.stringify({ status: ["running", "paused"] }) },
  });
  const runningIds = new Set(running.map(({ Id }) => Id));
  for (const { id } of entries.filter((entry) => !runningIds.has(entry.id))) {
    await new Deno.Command(own.ociRuntime, {
      args: ["delete", "--force", id],
      stdout: "null",
      stderr: "null",
    }).output();
  }
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
