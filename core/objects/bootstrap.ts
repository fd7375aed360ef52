import { isRefusal } from "../client/api_error.ts";
import type { Log } from "../lib/log.ts";
import { formatIpv4 } from "../lib/addresses/ipv4.ts";
import { timestamp } from "../lib/timestamp.ts";
import { type Condition, conditionOf } from "../resources/conditions.ts";
import { endpoints } from "../resources/core/endpoints.ts";
import { endpointSlices } from "../resources/discovery/endpoint_slices.ts";
import type { KubeObject } from "../resources/resource.ts";
import { gatewayClasses } from "../resources/gateway/gateway_classes.ts";
import { ingressClasses } from "../resources/networking/ingress_classes.ts";
import { INGRESS_CLASS, INGRESS_CONTROLLER } from "../traffic/own_ingresses.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import { CLUSTER_DNS } from "../traffic/cluster_dns.ts";
import { GATEWAY_CONTROLLER } from "../traffic/own_gateways.ts";
import { DEFAULT_ACCOUNT, serviceAccounts } from "../resources/core/service_accounts.ts";
import { type ServiceCidr, serviceCidrs } from "../resources/networking/service_cidrs.ts";
import {
  priorityClasses,
  SYSTEM_PRIORITY_CLASSES,
} from "../resources/scheduling/priority_classes.ts";
import { LOCAL_PATH_CLASS } from "../resources/storage/local_path.ts";
import { storageClasses } from "../resources/storage/storage_classes.ts";
import { services } from "../resources/core/services/services.ts";
import { ensureDefaultRights } from "./default_rights.ts";
import { ensureDefaultFlows } from "./default_flows.ts";
import { ensure, type Wanted } from "./ensure.ts";
import type { Objects } from "./objects.ts";

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

export interface BootstrapOptions {
  /** Where the API answers, for pods that ask the Service `kubernetes`. */
  apiAddress: string;
  apiPort: number;
  /** Where cluster DNS answers; absent: nowhere. */
  dnsAddress?: string;
  log?: Pick<Log, "warn">;
}

/**
 * Makes what every cluster has from the start. What is there already is left as it is, but for the endpoints of
 * the API, which may have moved.
 */
export async function bootstrap(objects: Objects, options: BootstrapOptions): Promise<void> {
  await Promise.all(NAMESPACES.map((name) => ensure(objects, namespaces, { metadata: { name } })));
  await Promise.all([
    // Their controller would make them, too; a pod that comes at once need not wait for it.
    ...NAMESPACES.map((namespace) =>
      ensure(objects, serviceAccounts, { metadata: { namespace, name: DEFAULT_ACCOUNT } })
    ),
    ensure(objects, services, kubernetesService(objects.apiServiceAddress, options.apiPort)),
    keepApiEndpoints(objects, options),
    ensureDnsService(objects, options),
    ensureDefaultRights(objects),
    keepServiceRange(objects),
    ...SYSTEM_PRIORITY_CLASSES.map((wanted) => ensure(objects, priorityClasses, wanted)),
    ensureDefaultFlows(objects),
    ensure(objects, storageClasses, LOCAL_PATH_CLASS),
    ensure(objects, ingressClasses, {
      metadata: {
        name: INGRESS_CLASS,
        annotations: { "ingressclass.kubernetes.io/is-default-class": "true" },
      },
      spec: { controller: INGRESS_CONTROLLER },
    }),
    ensure(objects, gatewayClasses, {
      metadata: { name: "coracle" },
      spec: {
        controllerName: GATEWAY_CONTROLLER,
        description: "Gateways that Coracle itself serves.",
      },
    }),
  ]);
}

function kubernetesService(clusterIP: string, targetPort: number): Wanted {
  const metadata = {
    name: "kubernetes",
    namespace: "default",
    labels: { component: "apiserver", provider: "kubernetes" },
  };
  const ports = [{ name: "https", port: 443, protocol: "TCP", targetPort }];
  return { metadata, spec: { type: "ClusterIP", clusterIP, ports } } as {
    metadata: { name: string };
  };
}

/**
 * The Service by which tools find cluster DNS, named and labelled as kubeadm does it. Nodes answer at its address themselves:
 * it has neither selector nor endpoints.
 */
async function ensureDnsService(
  objects: Objects,
  { dnsAddress: clusterIP, log }: BootstrapOptions,
): Promise<void> {
  if (clusterIP === undefined) return;
  const metadata = {
    ...CLUSTER_DNS,
    labels: {
      "k8s-app": "kube-dns",
      "kubernetes.io/cluster-service": "true",
      "kubernetes.io/name": "CoreDNS",
    },
  };
  const ports = [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, protocol: "TCP" },
  ];
  try {
    await ensure(objects, services, { metadata, spec: { type: "ClusterIP", clusterIP, ports } });
  } catch (error) {
    if (!isRefusal(error, "Invalid")) throw error;
    log?.warn('Cannot create Service "kube-system/kube-dns": another Service has its address', {
      address: clusterIP,
      error,
    });
  }
}

/** As kube-apiserver keeps them itself: the Service has no selector. */
async function keepApiEndpoints(
  objects: Objects,
  { apiAddress, apiPort }: BootstrapOptions,
): Promise<void> {
  const metadata = {
    name: "kubernetes",
    namespace: "default",
    labels: { "kubernetes.io/service-name": "kubernetes" },
  };
  const wanted = {
    addressType: apiAddress.includes(":") ? "IPv6" : "IPv4",
    endpoints: [{ addresses: [apiAddress], conditions: { ready: true } }],
    ports: [{ name: "https", port: apiPort, protocol: "TCP" }],
  };
  await ensure(objects, endpointSlices, { metadata, ...wanted });
  await keepOldEndpoints(objects, { apiAddress, apiPort });
  await objects.change(
    endpointSlices,
    metadata,
    (current) => ({ ...current, ...wanted }),
    { isOwn: true },
  );
}

/** The same as Endpoints, which older clients read. */
async function keepOldEndpoints(
  objects: Objects,
  { apiAddress, apiPort }: Pick<BootstrapOptions, "apiAddress" | "apiPort">,
): Promise<void> {
  const metadata = {
    name: "kubernetes",
    namespace: "default",
    labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
  };
  const ports = [{ name: "https", port: apiPort, protocol: "TCP" }];
  const wanted = { subsets: [{ addresses: [{ ip: apiAddress }], ports }] };
  await ensure(objects, endpoints, { metadata });
  const next = (current: KubeObject) => ({ ...current, ...wanted });
  await objects.amend(endpoints, metadata, next); // the address may be that of this machine alone
}

/** The range that Services have their addresses from, as an object. One of another range is left alone, as in Kubernetes. */
async function keepServiceRange(objects: Objects): Promise<void> {
  const { first, prefixLength } = objects.serviceRange;
  const range = `${formatIpv4(first)}/${prefixLength}`;
  const metadata = { name: "kubernetes" };
  const found = await ensure(objects, serviceCidrs, { metadata, spec: { cidrs: [range] } });
  const { spec, status } = (found ?? objects.get(serviceCidrs, metadata).object) as ServiceCidr;
  if (spec.cidrs?.join() !== range || conditionOf(status.conditions, "Ready")) return;
  const ready: Condition = {
    type: "Ready",
    status: "True",
    lastTransitionTime: timestamp(objects.clock.now()),
    reason: "",
    message: "Kubernetes default Service CIDR is ready",
  };
  await objects.change(
    serviceCidrs,
    metadata,
    (current) => ({
      ...current,
      status: { conditions: [...(current as ServiceCidr).status.conditions ?? [], ready] },
    }),
    { isOwn: true, scope: "status" },
  );
}
