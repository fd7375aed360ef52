import { authorityHash } from "../../core/client/joining/authority.ts";
import type { ServerLink } from "../../core/client/server_link.ts";
import { CLUSTER_INFO } from "../../core/api/access/joining/cluster_info.ts";
import { isRefusal } from "../../core/client/api_error.ts";
import { objectPath } from "../../core/client/object_path.ts";
import { type ConfigMap, configMaps } from "../../core/resources/core/config_maps.ts";
import { JoinError } from "../../core/client/joining/join_error.ts";

/** Where machines join, and by which authority they know the server. */
export interface JoinPlace {
  /** URL. */
  server: string;
  /** `sha256:…` */
  caHash: string;
}

/** As the server tells everybody. */
export async function joinPlaceOf(link: Pick<ServerLink, "ask">): Promise<JoinPlace> {
  const path = objectPath(configMaps, CLUSTER_INFO);
  const found = await link.ask({ method: "GET", path }).catch((error) => {
    if (isRefusal(error, "NotFound")) return undefined;
    throw error;
  }) as ConfigMap | undefined;
  const text = found?.data?.["kubeconfig"] ?? "";
  const server = /^ *server: (\S+)$/m.exec(text)?.[1];
  const authority = /certificate-authority-data: (\S+)/.exec(text)?.[1];
  if (server === undefined || authority === undefined) {
    throw new JoinError(
      "The server does not say where machines join it: it is older than this command, or has not started whole yet",
    );
  }
  return { server, caHash: authorityHash(atob(authority)) };
}
