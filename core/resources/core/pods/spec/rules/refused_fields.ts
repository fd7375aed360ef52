import { jsonIdentity } from "../../../../../lib/json/json_identity.ts";
import { ownField } from "../../../../../lib/own_field.ts";
import { type Cause, forbidden } from "../../../../../schema/causes.ts";
import { finderOf, type SetField } from "../../../../unimplemented_fields.ts";
import { containersOf } from "../pod_containers.ts";
import type { PodSpec } from "../pod_spec.ts";
import { isSysctlName } from "./security_rules.ts";

/**
 * The sysctls that a pod may set without harm to others, as the kubelet has them: of its own namespaces, and bounded.
 *
 * https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls
 */
export const SAFE_SYSCTLS: readonly string[] = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_wmem",
];

type Wanted = (value: unknown) => boolean;

const is = (refused: unknown): Wanted => (value) => value === refused;
/** Whatever it is set to. */
export function isSet(value: unknown): boolean {
  return typeof value === "object" && value !== null
    ? Object.keys(value).length > 0
    : value !== undefined && value !== "";
}

/** What a security context of a pod and one of a container have in common. */
const OF_BOTH: Readonly<Record<string, Wanted>> = {
  "appArmorProfile.type": (type) => type !== "Unconfined",
  seLinuxOptions: isSet,
  "seccompProfile.type": is("Localhost"),
  windowsOptions: isSet,
};

/** The same of a container of any sort. */
const OF_CONTAINERS: Readonly<Record<string, Wanted>> = {
  ...under("securityContext", OF_BOTH),
  "securityContext.procMount": is("Unmasked"),
  "volumeMounts[].recursiveReadOnly": is("Enabled"),
};

/**
 * The one list of what a PodSpec can say about its security and Coracle does not implement yet, with the values that it would
 * have to act on. They are refused, not ignored with a warning: a pod that asked for them would run with less
 * protection than its author believes. Take a field out when it is implemented.
 */
export const POD_SPEC_REFUSED: Readonly<Record<string, Wanted>> = {
  hostUsers: is(false),
  shareProcessNamespace: is(true),
  ...under("securityContext", OF_BOTH),
  "securityContext.seLinuxChangePolicy": isSet,
  "securityContext.supplementalGroupsPolicy": is("Strict"),
  "securityContext.sysctls[].name": (name) => !SAFE_SYSCTLS.includes(String(name)),
  ...under("initContainers[]", OF_CONTAINERS),
  ...under("containers[]", OF_CONTAINERS),
  ...under("ephemeralContainers[]", OF_CONTAINERS),
};

function under(
  path: string,
  table: Readonly<Record<string, Wanted>>,
): Readonly<Record<string, Wanted>> {
  return Object.fromEntries(
    Object.entries(table).map(([below, wanted]) => [`${path}.${below}`, wanted]),
  );
}

const refusedIn = finderOf(Object.entries(POD_SPEC_REFUSED));

/**
 * The refused fields that a write newly sets; what was stored before they were refused may stay. `field` is the path
 * of the spec.
 */
export function refusedFieldCauses(
  next: PodSpec,
  previous: PodSpec | undefined,
  field: string,
): Cause[] {
  const found = refusedIn(next, field);
  if (found.length === 0) return [];
  const kept = new Set(previous ? refusedIn(previous, field).map(identityIn(previous)) : []);
  const identity = identityIn(next);
  // Names that are none are told first, as in Kubernetes, where nobody but the node knows which are allowed.
  const hasBadName = next.securityContext.sysctls?.some(({ name }) => !isSysctlName(name)) ?? false;
  return found.filter((each) => !kept.has(identity(each)))
    .filter(({ path }) => !hasBadName || path !== "securityContext.sysctls[].name")
    .map(({ field: at, value }) => forbidden(at, reasonOf(at, value)));
}

/** By the names of containers, which keep what they ask for when another comes before them. */
function identityIn(spec: PodSpec): (found: SetField) => unknown {
  const names = new Map(containersOf(spec).map(({ path, container }) => [path, container.name]));
  return ({ field, value }) => {
    const path = field.replace(
      /(?<=\.)((?:init|ephemeral)?[cC]ontainers)\[\d+\]/,
      (path, list: string) => `${list}[${names.get(path)}]`,
    );
    return jsonIdentity([path, value]);
  };
}

/** Where AppArmor profiles were asked for before there was a field. */
const APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/";

type Annotations = Readonly<Record<string, string>>;

/** The same for annotations that Kubernetes takes for such fields. `field` is the path of the annotations. */
export function refusedAnnotationCauses(
  next: Annotations = {},
  previous: Annotations = {},
  field: string,
): Cause[] {
  return Object.entries(next).filter(([key, profile]) =>
    key.startsWith(APP_ARMOR_ANNOTATION) && profile !== "" && profile !== "unconfined" &&
    ownField(previous, key) !== profile
  ).map(([key]) => forbidden(`${field}[${key}]`, REFUSAL));
}

function reasonOf(field: string, value: unknown): string {
  if (/\.sysctls\[\d+\]\.name$/.test(field)) {
    return `forbidden sysctl: ${JSON.stringify(value)} not allowlisted; allowed are ${
      SAFE_SYSCTLS.join(", ")
    }`;
  }
  return REFUSAL;
}

const REFUSAL =
  "not implemented in this version of Coracle, and not ignored because it is about security; " +
  "take it out of the manifest to run the pod without it";
