import { ownField } from "../../../lib/own_field.ts";
import type { Container } from "../../../resources/core/pods/spec/containers.ts";
import {
  type CheckedPod,
  type Control,
  counted,
  namesOf,
  plural,
  quoted,
  settersOf,
  sorted,
  type Violation,
} from "./control.ts";

// The controls of the level baseline, and what several have in common with those of restricted. The words are those of
// k8s.io/pod-security-admission/policy.

export function hostNamespaces({ spec }: CheckedPod): Violation | undefined {
  const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((name) => spec[name]);
  if (shared.length === 0) return undefined;
  return { reason: "host namespaces", detail: shared.map((name) => `${name}=true`).join(", ") };
}

export function hostPathVolumes({ spec: { volumes = [] } }: CheckedPod): Violation | undefined {
  const names = volumes.filter(({ hostPath }) => hostPath).map(({ name }) => name);
  if (names.length === 0) return undefined;
  return { reason: "hostPath volumes", detail: counted("volume", names) };
}

export function hostPorts(pod: CheckedPod): Violation | undefined {
  const portsOf = ({ ports = [] }: Container) =>
    ports.flatMap(({ hostPort }) => hostPort ? [String(hostPort)] : []);
  const names = namesOf(pod, (container) => portsOf(container).length > 0);
  if (names.length === 0) return undefined;
  const ports = sorted(pod.containers.flatMap(portsOf));
  const verb = names.length === 1 ? "uses" : "use";
  const detail = `${counted("container", names)} ${verb} ${plural("hostPort", ports.length)} ${
    ports.join(", ")
  }`;
  return { reason: "hostPort", detail };
}

/** Probes and handlers that lead away from the pod. Since 1.34. */
export function probeHosts(pod: CheckedPod): Violation | undefined {
  const names = sorted(namesOf(pod, (container) => hostsOf(container).length > 0));
  if (names.length === 0) return undefined;
  const hosts = sorted(pod.containers.flatMap(hostsOf));
  const verb = names.length === 1 ? "uses" : "use";
  const what = plural("probe or lifecycle host", hosts.length);
  const detail = `${counted("container", names)} ${verb} ${what} ${quoted(hosts)}`;
  return { reason: "probe or lifecycle host", detail };
}

function hostsOf(container: Container): string[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  const handlers = [
    livenessProbe,
    readinessProbe,
    startupProbe,
    lifecycle?.postStart,
    lifecycle?.preStop,
  ];
  return handlers.flatMap((handler) =>
    [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host) => host !== undefined)
  ).filter((host) => host !== "");
}

export function privileged(pod: CheckedPod): Violation | undefined {
  const names = namesOf(pod, ({ securityContext }) => securityContext?.privileged ?? false);
  if (names.length === 0) return undefined;
  const detail = `${counted("container", names)} must not set securityContext.privileged=true`;
  return { reason: "privileged", detail };
}

/** What container runtimes give by themselves, or less. */
const DEFAULT_CAPABILITIES = [
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
];

export function defaultCapabilities(pod: CheckedPod): Violation | undefined {
  const added = addedBeyond(pod, DEFAULT_CAPABILITIES);
  if (added === undefined) return undefined;
  return { reason: "non-default capabilities", detail: added };
}

/** What containers add to their capabilities beside those that they may. */
export function addedBeyond(pod: CheckedPod, allowed: readonly string[]): string | undefined {
  const addedBy = ({ securityContext }: Container) =>
    (securityContext?.capabilities?.add ?? []).filter((name) => !allowed.includes(name));
  const names = namesOf(pod, (container) => addedBy(container).length > 0);
  if (names.length === 0) return undefined;
  const added = quoted(sorted(pod.containers.flatMap(addedBy)));
  return `${
    counted("container", names)
  } must not include ${added} in securityContext.capabilities.add`;
}

export function procMount(pod: CheckedPod): Violation | undefined {
  const typeOf = ({ securityContext }: Container) => securityContext?.procMount ?? "Default";
  const names = namesOf(pod, (container) => typeOf(container) !== "Default");
  if (names.length === 0) return undefined;
  const types = sorted(pod.containers.map(typeOf).filter((type) => type !== "Default"));
  const detail = `${counted("container", names)} must not set securityContext.procMount to ${
    quoted(types)
  }`;
  return { reason: "procMount", detail };
}

const APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/";

export function appArmorProfile(pod: CheckedPod): Violation | undefined {
  const isBad = (type: string | undefined) => type === "Unconfined";
  const typeOf = (context: Container["securityContext"]) => context?.appArmorProfile?.type;
  const isPodBad = isBad(typeOf(pod.spec.securityContext));
  const names = namesOf(pod, ({ securityContext }) => isBad(typeOf(securityContext)));
  const annotations = Object.entries(pod.annotations).filter(([key, value]) =>
    key.startsWith(APP_ARMOR_ANNOTATION) &&
    !(value === "" || value === "runtime/default" || value.startsWith("localhost/"))
  ).map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort();
  const setters = [
    settersOf(isPodBad, names),
    ...(annotations.length > 0 ? [plural("annotation", annotations.length)] : []),
  ].filter((text) => text !== "").join(" and ");
  if (setters === "") return undefined;
  const values = [...(isPodBad || names.length > 0 ? ["Unconfined"] : []), ...annotations];
  return {
    reason: plural("forbidden AppArmor profile", values.length),
    detail: `${setters} must not set AppArmor profile type to ${quoted(values)}`,
  };
}

type SeLinuxOptions = NonNullable<
  NonNullable<Container["securityContext"]>["seLinuxOptions"]
>;

/** `types`: those that may be set. */
export const seLinuxOptions = (types: readonly string[]): Control => (pod) => {
  const isBad = ({ type = "", user, role }: SeLinuxOptions) =>
    (type !== "" && !types.includes(type)) || Boolean(user) || Boolean(role);
  const whole = pod.spec.securityContext.seLinuxOptions ?? {};
  const own = ({ securityContext }: Container) => securityContext?.seLinuxOptions ?? {};
  const setters = settersOf(isBad(whole), namesOf(pod, (container) => isBad(own(container))));
  if (setters === "") return undefined;
  const all = [whole, ...pod.containers.map(own)];
  const bad = sorted(
    all.flatMap(({ type = "" }) => type === "" || types.includes(type) ? [] : [type]),
  );
  const faults = [
    ...(bad.length > 0 ? [counted("type", bad)] : []),
    ...(all.some(({ user }) => user) ? ["user may not be set"] : []),
    ...(all.some(({ role }) => role) ? ["role may not be set"] : []),
  ].join("; ");
  const detail = `${setters} set forbidden securityContext.seLinuxOptions: ${faults}`;
  return { reason: "seLinuxOptions", detail };
};

const SECCOMP_ANNOTATION = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER_ANNOTATION = "container.seccomp.security.alpha.kubernetes.io/";

/** Before 1.19 there were annotations only. */
export function seccompAnnotations({ annotations, containers }: CheckedPod): Violation | undefined {
  const keys = [
    SECCOMP_ANNOTATION,
    ...containers.map(({ name }) => `${SECCOMP_CONTAINER_ANNOTATION}${name}`),
  ];
  const bad = sorted(keys.flatMap((key) => {
    const value = ownField(annotations, key);
    const isFine = value === undefined || value === "runtime/default" ||
      value === "docker/default" || value.startsWith("localhost/");
    return isFine ? [] : [`${key}=${JSON.stringify(value)}`];
  }));
  if (bad.length === 0) return undefined;
  const detail = `forbidden ${plural("annotation", bad.length)} ${bad.join(", ")}`;
  return { reason: "seccompProfile", detail };
}

export function seccompProfile(pod: CheckedPod): Violation | undefined {
  const isBad = (context: Container["securityContext"]) =>
    context?.seccompProfile?.type === "Unconfined";
  const names = namesOf(pod, ({ securityContext }) => isBad(securityContext));
  const setters = settersOf(isBad(pod.spec.securityContext), names);
  return setters === "" ? undefined : {
    reason: "seccompProfile",
    detail: `${setters} must not set securityContext.seccompProfile.type to "Unconfined"`,
  };
}

/** `allowed`: those that one pod cannot harm another with. */
export const sysctls = (allowed: readonly string[]): Control => ({ spec }) => {
  const names = (spec.securityContext.sysctls ?? []).map(({ name }) => name)
    .filter((name) => !allowed.includes(name));
  if (names.length === 0) return undefined;
  return { reason: "forbidden sysctls", detail: names.join(", ") };
};

export function windowsHostProcess(pod: CheckedPod): Violation | undefined {
  const isBad = (context: Container["securityContext"]) =>
    context?.windowsOptions?.hostProcess ?? false;
  const names = namesOf(pod, ({ securityContext }) => isBad(securityContext));
  const setters = settersOf(isBad(pod.spec.securityContext), names);
  return setters === "" ? undefined : {
    reason: "hostProcess",
    detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true`,
  };
}
