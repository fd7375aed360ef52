import { ageColumn, labelsText, nameColumn } from "../../columns.ts";
import type { Column, NamespacedObject } from "../../resource.ts";
import type { ServiceSpec, ServiceStatus } from "./service_spec.ts";

interface Service extends NamespacedObject {
  spec: ServiceSpec;
  status: ServiceStatus;
}

/** What `kubectl get services` shows. After k8s.io/kubernetes/pkg/printers/internalversion/printers.go. */
export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  { name: "Type", description: "From where it can be reached.", value: ({ spec }) => spec.type },
  {
    name: "Cluster-IP",
    description: "Its address in the cluster.",
    value: ({ spec }) => spec.clusterIPs?.[0] ?? spec.clusterIP ?? "<none>",
  },
  { name: "External-IP", description: "Its addresses outside.", value: externalAddressesOf },
  { name: "Port(s)", description: "Its ports, and those of the nodes.", value: portsOf },
  ageColumn,
  {
    name: "Selector",
    description: "Labels of the pods that it leads to.",
    priority: 1,
    value: ({ spec }) => labelsText(spec.selector),
  },
];

function externalAddressesOf({ spec, status }: Service): string {
  const given = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ExternalName":
      return spec.externalName ?? "<none>";
    case "LoadBalancer": {
      const ingress = (status.loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname);
      const all = [...new Set([...ingress, ...given])];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    default:
      return given.length > 0 ? given.join(",") : "<none>";
  }
}

function portsOf({ spec }: Service): string {
  const ports = (spec.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`
  );
  return ports.length > 0 ? ports.join(",") : "<none>";
}
