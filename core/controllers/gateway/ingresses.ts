import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { ingressClasses } from "../../resources/networking/ingress_classes.ts";
import { type Ingress, ingresses } from "../../resources/networking/ingresses.ts";
import { isOwnIngress } from "../../traffic/own_ingresses.ts";
import { type Controller, NOTHING, type Plan, plan, updateStatus } from "../runtime/controller.ts";
import { listenerAddresses } from "./listener_addresses.ts";

/**
 * Says of each Ingress of ours where it is served. `address`: where listeners are opened; for all addresses, those of the
 * nodes are named.
 */
export function ingressController({ address }: { address: string }): Controller<Ingress> {
  const everyIngress = (_changed: KubeObject, view: View): ObjectName[] =>
    view.list(ingresses).map(({ metadata }) => metadata);
  return {
    name: "ingress-controller",
    resource: ingresses,
    watches: [
      { resource: ingressClasses, concerns: everyIngress },
      { resource: nodes, concerns: everyIngress },
    ],
    workers: 1,
    reconcile(ingress, view): Plan {
      if (!isOwnIngress(ingress, view)) return NOTHING;
      const addresses = listenerAddresses(address, view).map((ip) => ({ ip }));
      const { status } = ingress;
      const loadBalancer = addresses.length > 0 ? { ingress: addresses } : {};
      if (isEqual(loadBalancer, status.loadBalancer)) return NOTHING;
      return plan([updateStatus(ingresses, { ...ingress, status: { ...status, loadBalancer } })]);
    },
  };
}
