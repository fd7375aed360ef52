import { type Cause, invalid } from "../../schema/causes.ts";
import { object, present } from "../../schema/schema.ts";
import { ownField } from "../../lib/own_field.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type NamespacedObject, type ObjectOf } from "../resource.ts";
import { isEqual } from "../../lib/equality.ts";
import { unimplementedWarning } from "../unimplemented_fields.ts";
import { ingressCauses, ingressStatusCauses } from "./ingress_rules.ts";
import { type IngressRule, type IngressSpec, ingressSpec, ingressStatus } from "./ingress_shape.ts";

/** https://kubernetes.io/docs/concepts/services-networking/ingress/ */
export const ingresses = defineResource({
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  shortNames: ["ing"],
  namespaced: true,
  schema: object("Which requests from outside go to which Services.", {
    spec: present(ingressSpec),
    status: present(ingressStatus),
  }),
  columns: [
    nameColumn,
    {
      name: "Class",
      description: "Its IngressClass.",
      value: ({ spec: { ingressClassName = "<none>" } }) => ingressClassName,
    },
    {
      name: "Hosts",
      description: "Hosts that it is for.",
      value: ({ spec }) => hostsText(spec.rules ?? []),
    },
    {
      name: "Address",
      description: "Where it can be reached.",
      value: ({ status: { loadBalancer } }) =>
        [
          ...new Set(
            (loadBalancer.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []),
          ),
        ].toSorted().join(","),
    },
    {
      name: "Ports",
      description: "Ports at which it can be reached.",
      value: ({ spec }) => spec.tls?.length ? "80, 443" : "80",
    },
    ageColumn,
  ],
  validate: (next, previous) => [
    ...ingressCauses(next.spec, previous?.spec),
    ...(previous ? [] : classCauses(next)),
  ],
  validateStatus: (next, previous) => ingressStatusCauses(next.status, previous.status),
  warnings: (next, previous) => [
    ...(previous === undefined && classAnnotationOf(next) !== undefined &&
        next.spec.ingressClassName === undefined
      ? [`annotation "${CLASS}" is deprecated, please use 'spec.ingressClassName' instead`]
      : []),
    ...(next.spec.tls?.length && !isEqual(next.spec.tls, previous?.spec.tls)
      ? [unimplementedWarning("spec.tls", "its hosts are served at port 80, without TLS")]
      : []),
  ],
});

export type Ingress = ObjectOf<typeof ingresses>;

const CLASS = "kubernetes.io/ingress.class";
const SHOWN_HOSTS_MAX = 3;

/** The class in the annotation that was there before the field. */
export function classAnnotationOf({ metadata }: NamespacedObject): string | undefined {
  return ownField(metadata.annotations, CLASS);
}

function classCauses(ingress: NamespacedObject & { spec: IngressSpec }): Cause[] {
  const { ingressClassName } = ingress.spec;
  const annotation = classAnnotationOf(ingress);
  if (annotation === undefined || ingressClassName === undefined) return [];
  return annotation === ingressClassName ? [] : [
    invalid(
      `annotations.${CLASS}`,
      annotation,
      "must match `ingressClassName` when both are specified",
    ),
  ];
}

/** As Kubernetes has it: rules without host count among those that are not shown. */
function hostsText(rules: readonly IngressRule[]): string {
  const hosts: string[] = [];
  for (const { host } of rules) {
    if (hosts.length === SHOWN_HOSTS_MAX) {
      return `${hosts.join(",")} + ${rules.length - SHOWN_HOSTS_MAX} more...`;
    }
    if (host) hosts.push(host);
  }
  return hosts.join(",") || "*";
}
