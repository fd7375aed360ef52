import type { ObjectName } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { configMaps } from "../../resources/core/config_maps.ts";
import { type Namespace, namespaces } from "../../resources/core/namespaces.ts";
import { DEFAULT_ACCOUNT, serviceAccounts } from "../../resources/core/service_accounts.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type Controller,
  create,
  NOTHING,
  type Plan,
  plan,
  update,
} from "../runtime/controller.ts";

/** The ConfigMap of each namespace by whose certificate pods know the API server. */
export const ROOT_CA = "kube-root-ca.crt";
const FILE = "ca.crt";
const DESCRIPTION = {
  "kubernetes.io/description":
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the " +
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
};

/**
 * Gives each namespace the account `default`, also again when it is deleted.
 *
 * Kubernetes: `pkg/controller/serviceaccount`.
 */
export const defaultAccountController: Controller<Namespace> = {
  name: "serviceaccount-controller",
  resource: namespaces,
  watches: [{ resource: serviceAccounts, concerns: namespaceOfAny(DEFAULT_ACCOUNT) }],
  workers: 4,
  reconcile: (namespace, view): Plan => {
    const name = { namespace: namespace.metadata.name, name: DEFAULT_ACCOUNT };
    if (isEnding(namespace) || view.get(serviceAccounts, name)) return NOTHING;
    return plan([create(serviceAccounts, { metadata: name })]);
  },
};

/**
 * Gives each namespace the certificate of our authority, and keeps it as it is. Nothing without one.
 *
 * Kubernetes: `pkg/controller/certificates/rootcacertpublisher`.
 */
export function authorityPublisher(authority: string): Controller<Namespace> {
  return {
    name: "root-ca-certificate-publisher-controller",
    resource: namespaces,
    watches: [{ resource: configMaps, concerns: namespaceOfAny(ROOT_CA) }],
    workers: 4,
    reconcile: (namespace, view): Plan => {
      if (authority === "" || isEnding(namespace)) return NOTHING;
      const name = { namespace: namespace.metadata.name, name: ROOT_CA };
      const found = view.get(configMaps, name);
      const data = { [FILE]: authority };
      if (!found) {
        return plan([
          create(configMaps, { metadata: { ...name, annotations: DESCRIPTION }, data }),
        ]);
      }
      const { metadata } = found;
      const isTold = metadata.annotations?.["kubernetes.io/description"];
      if (isTold && isEqual(found.data, data)) return NOTHING;
      const annotations = { ...metadata.annotations, ...DESCRIPTION };
      return plan([update(configMaps, { ...found, metadata: { ...metadata, annotations }, data })]);
    },
  };
}

/** The namespace of a changed object, if it has that name. */
function namespaceOfAny(name: string): (changed: KubeObject) => readonly ObjectName[] {
  return ({ metadata }) =>
    metadata.name === name && metadata.namespace ? [{ name: metadata.namespace }] : NOBODY;
}
const NOBODY: readonly ObjectName[] = [];

function isEnding({ metadata, status }: Namespace): boolean {
  return metadata.deletionTimestamp !== undefined || status?.phase === "Terminating";
}
