import { type Cause, duplicate, invalid, missing, tooLong } from "../../../../../schema/causes.ts";
import type { PodSpec } from "../pod_spec.ts";
import type { PodSecurityContext, SecurityContext } from "../security.ts";

// The rules for security contexts, in the words of k8s.io/kubernetes/pkg/apis/core/validation.

const ID_MAX = 2 ** 31 - 1;
/** The kernel's `PATH_MAX`, without the NUL at the end. */
const PATH_BYTES_MAX = 4095;
const SYSCTL_CHARS_MAX = 253;
const SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const SYSCTL_NAME = `^(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}$`;
const SYSCTL_SHAPE = new RegExp(SYSCTL_NAME);

export function podSecurityCauses(spec: PodSpec, field: string): Cause[] {
  const { securityContext, hostPID, shareProcessNamespace } = spec;
  const at = `${field}.securityContext`;
  const causes = [
    ...idCauses(securityContext, at),
    ...(securityContext.supplementalGroups ?? []).flatMap((id, i) =>
      rangeOfId(`${at}.supplementalGroups[${i}]`, id)
    ),
    ...sysctlCauses(spec, `${at}.sysctls`),
    ...profileCauses(securityContext, at),
  ];
  if (shareProcessNamespace && hostPID) {
    const rule = "ShareProcessNamespace and HostPID cannot both be enabled";
    causes.push(invalid(`${at}.shareProcessNamespace`, true, rule));
  }
  return causes;
}

/** `hasOwnUsers`: whether its users are not those of the node. */
export function containerSecurityCauses(
  securityContext: SecurityContext | undefined,
  field: string,
  { hasOwnUsers }: { hasOwnUsers: boolean },
): Cause[] {
  if (!securityContext) return [];
  const { allowPrivilegeEscalation, privileged, capabilities, procMount } = securityContext;
  const causes = [...idCauses(securityContext, field), ...profileCauses(securityContext, field)];
  if (procMount === "Unmasked" && !hasOwnUsers) {
    const rule = "`hostUsers` must be false to use `Unmasked`";
    causes.push(invalid(`${field}.procMount`, procMount, rule));
  }
  if (allowPrivilegeEscalation !== false) return causes;
  if (privileged) {
    const rule = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
    causes.push(invalid(field, securityContext, rule));
  }
  if (capabilities?.add?.includes("CAP_SYS_ADMIN")) {
    const rule =
      "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
    causes.push(invalid(field, securityContext, rule));
  }
  return causes;
}

function idCauses(
  ids: { runAsUser?: number; runAsGroup?: number; fsGroup?: number },
  field: string,
): Cause[] {
  return (["runAsUser", "runAsGroup", "fsGroup"] as const).flatMap((name) =>
    rangeOfId(`${field}.${name}`, ids[name])
  );
}

function rangeOfId(field: string, id: number | undefined): Cause[] {
  return id === undefined || (id >= 0 && id <= ID_MAX)
    ? []
    : [invalid(field, id, `must be between 0 and ${ID_MAX}, inclusive`)];
}

/** A profile of the node is named where it is asked for, and nowhere else. */
function profileCauses(
  { seccompProfile, appArmorProfile }: Pick<
    PodSecurityContext,
    "seccompProfile" | "appArmorProfile"
  >,
  field: string,
): Cause[] {
  return [
    ...seccompCauses(seccompProfile, `${field}.seccompProfile`),
    ...appArmorCauses(appArmorProfile, `${field}.appArmorProfile`),
  ];
}

type Profile = PodSecurityContext["seccompProfile"];

/** The profile is a file below the node's folder of profiles. */
function seccompCauses(profile: Profile, field: string): Cause[] {
  const { localhostProfile } = profile ?? {};
  if (profile?.type !== "Localhost") return strayProfileCauses(profile, field, "seccomp");
  const at = `${field}.localhostProfile`;
  if (localhostProfile === undefined) {
    return [missing(at, "must be set when seccomp type is Localhost")];
  }
  return [
    ...(localhostProfile.startsWith("/")
      ? [invalid(at, localhostProfile, "must be a relative path")]
      : []),
    ...(localhostProfile.split("/").includes("..")
      ? [invalid(at, localhostProfile, "must not contain '..'")]
      : []),
  ];
}

/** The profile is one that the kernel of the node has loaded. */
export function appArmorCauses(profile: Profile, field: string): Cause[] {
  const { localhostProfile } = profile ?? {};
  if (profile?.type !== "Localhost") return strayProfileCauses(profile, field, "AppArmor");
  const at = `${field}.localhostProfile`;
  if (!localhostProfile) return [missing(at, "must be set when AppArmor type is Localhost")];
  const isTooLong = new TextEncoder().encode(localhostProfile).length > PATH_BYTES_MAX;
  return [
    ...(localhostProfile.trim() === localhostProfile
      ? []
      : [invalid(at, localhostProfile, "must not be padded with whitespace")]),
    ...(isTooLong ? [tooLong(at, PATH_BYTES_MAX)] : []),
  ];
}

function strayProfileCauses(profile: Profile, field: string, of: string): Cause[] {
  const { localhostProfile } = profile ?? {};
  if (localhostProfile === undefined) return [];
  const rule = `can only be set when ${of} type is Localhost`;
  return [invalid(`${field}.localhostProfile`, localhostProfile, rule)];
}

function sysctlCauses(spec: PodSpec, field: string): Cause[] {
  const seen = new Set<string>();
  return (spec.securityContext.sysctls ?? []).flatMap(({ name, value }, i) => {
    const at = `${field}[${i}]`;
    const causes: Cause[] = [];
    if (name.length > SYSCTL_CHARS_MAX || !SYSCTL_SHAPE.test(name)) {
      const rule =
        `must have at most ${SYSCTL_CHARS_MAX} characters and match regex ${SYSCTL_NAME}`;
      causes.push(invalid(`${at}.name`, name, rule));
    } else if (seen.has(name)) causes.push(duplicate(`${at}.name`, name));
    seen.add(name);
    if (/[\n\0]/.test(value)) {
      causes.push(invalid(`${at}.value`, value, "must be one line"));
    }
    return [...causes, ...hostSysctlCauses(spec, name, `${at}.name`)];
  });
}

/** What a pod shares with the node is not its own to set. */
function hostSysctlCauses(
  { hostNetwork, hostIPC }: PodSpec,
  sysctl: string,
  field: string,
): Cause[] {
  const name = sysctl.replaceAll("/", ".");
  const isOfNetwork = name.startsWith("net.");
  const isOfIpc = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(name);
  return [
    ...(hostNetwork && isOfNetwork
      ? [invalid(field, sysctl, "may not be specified when 'hostNetwork' is true")]
      : []),
    ...(hostIPC && isOfIpc
      ? [invalid(field, sysctl, "may not be specified when 'hostIPC' is true")]
      : []),
  ];
}
