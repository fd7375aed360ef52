import type { PodSpec } from "../../../resources/core/pods/spec/pod_spec.ts";
import {
  appArmorProfile,
  defaultCapabilities,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  privileged,
  probeHosts,
  procMount,
  seccompAnnotations,
  seccompProfile,
  seLinuxOptions,
  sysctls,
  windowsHostProcess,
} from "./baseline_controls.ts";
import { askedPod, type Control, type Violation } from "./control.ts";
import type { Standard } from "./policy.ts";
import {
  droppedCapabilities,
  nonRoot,
  nonRootUser,
  privilegeEscalation,
  requiredSeccompProfile,
  unlessWindows,
  volumeTypes,
} from "./restricted_controls.ts";

/** A control as it was at different minor versions of Kubernetes: the newest that is not too new counts. */
type Revisions = readonly { since: number; control: Control }[];

const SAFE_SYSCTLS = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
];
const SAFE_SYSCTLS_27 = [...SAFE_SYSCTLS, "net.ipv4.ip_local_reserved_ports"];
const SAFE_SYSCTLS_29 = [
  ...SAFE_SYSCTLS_27,
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
];
const SAFE_SYSCTLS_32 = [...SAFE_SYSCTLS_29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];
const SELINUX_TYPES = ["container_t", "container_init_t", "container_kvm_t"];

/** In the order in which Kubernetes names them. */
const BASELINE = {
  appArmorProfile: [{ since: 0, control: appArmorProfile }],
  capabilities: [{ since: 0, control: defaultCapabilities }],
  hostNamespaces: [{ since: 0, control: hostNamespaces }],
  hostPathVolumes: [{ since: 0, control: hostPathVolumes }],
  hostPorts: [{ since: 0, control: hostPorts }],
  probeHosts: [{ since: 34, control: probeHosts }],
  privileged: [{ since: 0, control: privileged }],
  procMount: [{ since: 0, control: procMount }],
  seLinuxOptions: [
    { since: 0, control: seLinuxOptions(SELINUX_TYPES) },
    { since: 31, control: seLinuxOptions([...SELINUX_TYPES, "container_engine_t"]) },
  ],
  seccompProfile: [
    { since: 0, control: seccompAnnotations },
    { since: 19, control: seccompProfile },
  ],
  sysctls: [
    { since: 0, control: sysctls(SAFE_SYSCTLS) },
    { since: 27, control: sysctls(SAFE_SYSCTLS_27) },
    { since: 29, control: sysctls(SAFE_SYSCTLS_29) },
    { since: 32, control: sysctls(SAFE_SYSCTLS_32) },
  ],
  windowsHostProcess: [{ since: 0, control: windowsHostProcess }],
} satisfies Record<string, Revisions>;

/** A stricter control takes the place of the one of baseline that it `replaces`, from its first version on. */
const RESTRICTED: readonly { revisions: Revisions; replaces?: keyof typeof BASELINE }[] = [
  {
    revisions: [
      { since: 8, control: privilegeEscalation },
      { since: 25, control: unlessWindows(privilegeEscalation) },
    ],
  },
  {
    revisions: [
      { since: 22, control: droppedCapabilities },
      { since: 25, control: unlessWindows(droppedCapabilities) },
    ],
    replaces: "capabilities",
  },
  { revisions: [{ since: 0, control: volumeTypes }], replaces: "hostPathVolumes" },
  { revisions: [{ since: 0, control: nonRoot }] },
  { revisions: [{ since: 23, control: nonRootUser }] },
  {
    revisions: [
      { since: 19, control: requiredSeccompProfile },
      { since: 25, control: unlessWindows(requiredSeccompProfile) },
    ],
    replaces: "seccompProfile",
  },
];

/**
 * What a pod does that a level of the Pod Security Standards forbids, in the order of Kubernetes. Pure.
 *
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
export function violationsOf(
  { level, version }: Standard,
  annotations: Readonly<Record<string, string>> | undefined,
  spec: PodSpec,
): Violation[] {
  if (level === "privileged") return [];
  const pod = askedPod(annotations, spec);
  const minor = version === "latest" ? Infinity : version;
  return controlsOf(level, minor).flatMap((control) => control(pod) ?? []);
}

function controlsOf(level: "baseline" | "restricted", minor: number): Control[] {
  const stricter = level === "restricted"
    ? RESTRICTED.flatMap(({ revisions, replaces }) => {
      const control = controlAt(revisions, minor);
      return control ? [{ control, replaces }] : [];
    })
    : [];
  const replaced = new Set<string | undefined>(stricter.map(({ replaces }) => replaces));
  const baseline = Object.entries<Revisions>(BASELINE).filter(([name]) => !replaced.has(name));
  return [
    ...baseline.flatMap(([, revisions]) => controlAt(revisions, minor) ?? []),
    ...stricter.map(({ control }) => control),
  ];
}

function controlAt(revisions: Revisions, minor: number): Control | undefined {
  return revisions.findLast(({ since }) => since <= minor)?.control;
}

/** `hostPort (container "a" uses hostPort 80), privileged (…)`. */
export function detailsText(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => `${reason} (${detail})`).join(", ");
}

/** The same for many pods at once: without what is of each. */
export function reasonsText(violations: readonly Violation[]): string {
  return violations.map(({ reason }) => reason).join(", ");
}
