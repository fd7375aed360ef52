import { CLUSTER_INFO, SERVICE_RANGE } from "../../core/api/access/joining/cluster_info.ts";
import { ApiError } from "../../core/client/api_error.ts";
import { LinkError } from "../../core/client/link_error.ts";
import { objectPath } from "../../core/client/object_path.ts";
import type { ServerLink } from "../../core/client/server_link.ts";
import { ifAbsent } from "../../core/lib/absent.ts";
import { formatIpv4Range, parseIpv4Range } from "../../core/lib/addresses/ipv4.ts";
import { type ConfigMap, configMaps } from "../../core/resources/core/config_maps.ts";
import { writePrivate } from "./identity.ts";

/**
 * The addresses of the cluster's Services, as its server says; they never change, so they are kept for a start without it.
 * `undefined`: the server is older than this, or cannot be reached for the first time.
 */
export async function serviceRangeOf(
  link: Pick<ServerLink, "ask">,
  dataFolder: string,
): Promise<string | undefined> {
  const path = keptPath(dataFolder);
  const kept = rangeIn(await Deno.readTextFile(path).catch(ifAbsent));
  if (kept !== undefined) return kept;
  const told = rangeIn(await ask(link));
  if (told !== undefined) await writePrivate(path, `${told}\n`);
  return told;
}

/** To be called when the machine joins: it may be another cluster. */
export async function forgetServiceRange(dataFolder: string): Promise<void> {
  await Deno.remove(keptPath(dataFolder)).catch(ifAbsent);
}

async function ask(link: Pick<ServerLink, "ask">): Promise<string | undefined> {
  try {
    const found = await link.ask({ method: "GET", path: objectPath(configMaps, CLUSTER_INFO) });
    return (found as ConfigMap).data?.[SERVICE_RANGE];
  } catch (error) {
    if (error instanceof ApiError || error instanceof LinkError) return undefined;
    throw error;
  }
}

function rangeIn(text: string | undefined): string | undefined {
  const range = parseIpv4Range(text?.trim() ?? "");
  return range && formatIpv4Range(range);
}

function keptPath(dataFolder: string): string {
  return `${dataFolder}/service-cidr`;
}
