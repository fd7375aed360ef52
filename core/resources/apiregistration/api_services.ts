import { ageColumn, nameColumn } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { type Cause, invalid, missing } from "../../schema/causes.ts";
import { dns1035LabelFaults, pathSegmentFaults, subdomainFaults } from "../../schema/names.ts";
import { nameCauses } from "../../schema/value_rules.ts";
import { defineResource, type KubeObject, type ObjectOf } from "../resource.ts";
import {
  bytes,
  fallback,
  flag,
  integer,
  mergeList,
  object,
  present,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";

const serviceReference = object("The Service that serves it; left out: this server itself.", {
  namespace: string("Namespace of the Service."),
  name: string("Name of the Service."),
  port: fallback(443, integer("Port of the Service.")),
});

const apiServiceSpec = object("Which group and version, and who serves it.", {
  service: serviceReference,
  group: string("API group; empty for the core group."),
  version: string("Version of the group."),
  insecureSkipTLSVerify: flag("Whether any certificate of the Service is taken."),
  caBundle: bytes("PEM of the authorities that may have signed the Service's certificate."),
  groupPriorityMinimum: required(
    integer("Rank of the group, at least: groups with higher ones come first."),
  ),
  versionPriority: required(
    integer("Rank of the version in its group: versions with higher ones come first."),
  ),
});
type Spec = TypeOf<typeof apiServiceSpec>;

const apiServiceCondition = object(
  "One aspect of its state.",
  conditionFields("What it is about: Available."),
);
export type ApiServiceCondition = TypeOf<typeof apiServiceCondition>;

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/api-service-v1/ */
export const apiServices = defineResource({
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  categories: ["api-extensions"],
  namespaced: false,
  nameFaults: pathSegmentFaults,
  generation: "none",
  schema: object("A group and version of the API, and who serves it.", {
    spec: required(apiServiceSpec),
    status: present(object("Whether it can be used.", {
      conditions: mergeList("Aspects of its state.", ["type"], apiServiceCondition),
    })),
  }),
  columns: [
    nameColumn,
    {
      name: "Service",
      description: "The Service that serves it.",
      value: ({ spec: { service } }) => service ? `${service.namespace}/${service.name}` : "Local",
    },
    {
      name: "Available",
      description: "Whether it can be used.",
      value: ({ status }) => availability(status.conditions),
    },
    ageColumn,
  ],
  validate: ({ metadata, spec }) => [...nameCausesOf(metadata, spec), ...specCauses(spec)],
});

export type ApiService = ObjectOf<typeof apiServices>;

function availability(conditions: readonly ApiServiceCondition[] = []): string {
  const { status, reason } = conditions.find(({ type }) => type === "Available") ?? {};
  if (status === undefined) return "Unknown";
  return status === "True" ? status : `${status} (${reason})`;
}

// The words are those of k8s.io/kube-aggregator/pkg/apis/apiregistration/validation.

function nameCausesOf(
  { name }: KubeObject["metadata"],
  { group = "", version = "" }: Spec,
): Cause[] {
  const wanted = `${version}.${group}`;
  const rule = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`;
  return name === wanted ? [] : [invalid("metadata.name", name, rule)];
}

const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1000;

function specCauses({ group = "", version = "", ...spec }: Spec): Cause[] {
  const { groupPriorityMinimum, versionPriority } = spec;
  const legacy = "only v1 may have an empty group and it better be legacy kube";
  return [
    ...(group === "" && version !== "v1" ? [missing("spec.group", legacy)] : []),
    ...nameCauses("spec.group", group, subdomainFaults),
    ...dns1035LabelFaults(version).map((fault) => invalid("spec.version", version, fault)),
    ...priorityCauses("spec.groupPriorityMinimum", groupPriorityMinimum, GROUP_PRIORITY_MAX),
    ...priorityCauses("spec.versionPriority", versionPriority, VERSION_PRIORITY_MAX),
    ...(spec.service ? remoteCauses(spec, spec.service) : localCauses(spec)),
  ];
}

function priorityCauses(field: string, priority: number, most: number): Cause[] {
  const rule = `must be positive and less than ${most}`;
  return priority > 0 && priority <= most ? [] : [invalid(field, priority, rule)];
}

type Trust = Pick<Spec, "caBundle" | "insecureSkipTLSVerify">;

function localCauses({ caBundle, insecureSkipTLSVerify }: Trust): Cause[] {
  const rule = (field: string) => `local APIServices may not have ${field}`;
  return [
    ...(caBundle ? [invalid("spec.caBundle", sizeOf(caBundle), rule("a caBundle"))] : []),
    ...(insecureSkipTLSVerify
      ? [invalid("spec.insecureSkipTLSVerify", true, rule("insecureSkipTLSVerify"))]
      : []),
  ];
}

function remoteCauses(
  { caBundle, insecureSkipTLSVerify }: Trust,
  { namespace, name, port }: NonNullable<Spec["service"]>,
): Cause[] {
  const range = "port is not valid: must be between 1 and 65535, inclusive";
  return [
    ...(namespace ? [] : [missing("spec.service.namespace")]),
    ...(name ? [] : [missing("spec.service.name")]),
    ...(port >= 1 && port <= 65535 ? [] : [invalid("spec.service.port", port, range)]),
    ...(insecureSkipTLSVerify && caBundle
      ? [invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present")]
      : []),
  ];
}

function sizeOf(base64: string): string {
  return `${atob(base64).length} bytes`;
}
