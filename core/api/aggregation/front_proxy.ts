import { configMaps } from "../../resources/core/config_maps.ts";
import { ensure } from "../../objects/ensure.ts";
import type { Objects } from "../../objects/objects.ts";
import { FRONT_PROXY_NAME, type FrontProxy } from "../access/pki.ts";

/** What API servers of others must know to believe who asks them. */
const NAME = { namespace: "kube-system", name: "extension-apiserver-authentication" };

/**
 * Tells API servers of others by which certificate they know this server, and clients: the ConfigMap that kube-apiserver
 * keeps, too. https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
 */
export async function publishFrontProxy(
  objects: Objects,
  { authority }: Pick<FrontProxy, "authority">,
  clientAuthority: string,
): Promise<void> {
  const data = {
    "client-ca-file": clientAuthority,
    "requestheader-allowed-names": JSON.stringify([FRONT_PROXY_NAME]),
    "requestheader-client-ca-file": authority,
    "requestheader-extra-headers-prefix": JSON.stringify(["X-Remote-Extra-"]),
    "requestheader-group-headers": JSON.stringify(["X-Remote-Group"]),
    "requestheader-uid-headers": JSON.stringify(["X-Remote-Uid"]),
    "requestheader-username-headers": JSON.stringify(["X-Remote-User"]),
  };
  await ensure(objects, configMaps, { metadata: NAME, data });
  await objects.change(configMaps, NAME, (current) => ({ ...current, data }), { isOwn: true });
}
