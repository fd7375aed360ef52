import type { Container } from "../../../resources/core/pods/spec/containers.ts";
import { addedBeyond } from "./baseline_controls.ts";
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

// The controls that the level restricted has beside those of baseline. The words are those of
// k8s.io/pod-security-admission/policy.

/** A pod for Windows cannot say what a control asks for: since 1.25. */
export const unlessWindows = (control: Control): Control => (pod) =>
  pod.spec.os?.name === "windows" ? undefined : control(pod);

export function privilegeEscalation(pod: CheckedPod): Violation | undefined {
  const names = namesOf(
    pod,
    ({ securityContext }) => securityContext?.allowPrivilegeEscalation ?? true,
  );
  return names.length === 0 ? undefined : {
    reason: "allowPrivilegeEscalation != false",
    detail: `${
      counted("container", names)
    } must set securityContext.allowPrivilegeEscalation=false`,
  };
}

export function droppedCapabilities(pod: CheckedPod): Violation | undefined {
  const keeping = namesOf(
    pod,
    ({ securityContext }) => !securityContext?.capabilities?.drop?.includes("ALL"),
  );
  const added = addedBeyond(pod, ["NET_BIND_SERVICE"]);
  const details = [
    ...(keeping.length > 0
      ? [`${counted("container", keeping)} must set securityContext.capabilities.drop=["ALL"]`]
      : []),
    ...(added === undefined ? [] : [added]),
  ];
  if (details.length === 0) return undefined;
  return { reason: "unrestricted capabilities", detail: details.join("; ") };
}

const VOLUME_TYPES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

export function volumeTypes({ spec: { volumes = [] } }: CheckedPod): Violation | undefined {
  const typesOf = (volume: object) => Object.keys(volume).filter((field) => field !== "name");
  const bad = volumes.filter((volume) =>
    !typesOf(volume).some((type) => VOLUME_TYPES.includes(type))
  );
  if (bad.length === 0) return undefined;
  const names = bad.map(({ name }) => name);
  const types = sorted(bad.map((volume) => typesOf(volume)[0] ?? "unknown"));
  const verb = names.length === 1 ? "uses" : "use";
  const what = plural("restricted volume type", types.length);
  const detail = `${counted("volume", names)} ${verb} ${what} ${quoted(types)}`;
  return { reason: "restricted volume types", detail };
}

export function nonRoot(pod: CheckedPod): Violation | undefined {
  const reason = "runAsNonRoot != true";
  const whole = pod.spec.securityContext.runAsNonRoot;
  const own = ({ securityContext }: Container) => securityContext?.runAsNonRoot;
  const setters = settersOf(whole === false, namesOf(pod, (each) => own(each) === false));
  if (setters !== "") {
    return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  }
  const silent = whole ? [] : namesOf(pod, (container) => own(container) === undefined);
  return silent.length === 0 ? undefined : {
    reason,
    detail: `pod or ${counted("container", silent)} must set securityContext.runAsNonRoot=true`,
  };
}

export function nonRootUser(pod: CheckedPod): Violation | undefined {
  const names = namesOf(pod, ({ securityContext }) => securityContext?.runAsUser === 0);
  const setters = settersOf(pod.spec.securityContext.runAsUser === 0, names);
  if (setters === "") return undefined;
  return { reason: "runAsUser=0", detail: `${setters} must not set runAsUser=0` };
}

export function requiredSeccompProfile(pod: CheckedPod): Violation | undefined {
  const whole = pod.spec.securityContext.seccompProfile?.type;
  const own = ({ securityContext }: Container) => securityContext?.seccompProfile?.type;
  const bad = namesOf(pod, (container) => own(container) === "Unconfined");
  const setters = settersOf(whole === "Unconfined", bad);
  return setters === "" ? withoutProfile(pod, whole, own) : {
    reason: "seccompProfile",
    detail: `${setters} must not set securityContext.seccompProfile.type to "Unconfined"`,
  };
}

function withoutProfile(
  pod: CheckedPod,
  whole: string | undefined,
  own: (container: Container) => string | undefined,
): ReturnType<Control> {
  const names = whole ? [] : namesOf(pod, (container) => own(container) === undefined);
  return names.length === 0 ? undefined : {
    reason: "seccompProfile",
    detail: `pod or ${counted("container", names)} must set securityContext.seccompProfile.type` +
      ' to "RuntimeDefault" or "Localhost"',
  };
}
