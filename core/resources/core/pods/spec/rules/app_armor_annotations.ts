import { isEqual } from "../../../../../lib/equality.ts";
import { ownField } from "../../../../../lib/own_field.ts";
import { type Cause, forbidden, invalid } from "../../../../../schema/causes.ts";
import { containersOf, withEachContainer } from "../pod_containers.ts";
import type { PodSpec } from "../pod_spec.ts";
import { appArmorCauses } from "./security_rules.ts";
import type { PodSecurityContext } from "../security.ts";

// AppArmor profiles were asked for by annotations before there was a field. Kubernetes: `applyAppArmorVersionSkew`
// (pkg/registry/core/pod/strategy.go), `ValidateAppArmorPodAnnotations` (pkg/apis/core/validation).

const PREFIX = "container.apparmor.security.beta.kubernetes.io/";
const LOCALHOST = "localhost/";

type Profile = NonNullable<PodSecurityContext["appArmorProfile"]>;
type Annotations = Readonly<Record<string, string>>;

/** The spec with the profiles that annotations ask for, where containers name none themselves. */
export function withAnnotatedProfiles(spec: PodSpec, annotations: Annotations = {}): PodSpec {
  if (!Object.keys(annotations).some((key) => key.startsWith(PREFIX))) return spec;
  return withEachContainer(spec, (container) => {
    const { securityContext = {} } = container;
    const profile = profileOf(ownField(annotations, PREFIX + container.name));
    const isSaid = securityContext.appArmorProfile !== undefined ||
      isEqual(profile, spec.securityContext.appArmorProfile);
    if (profile === undefined || isSaid) return container;
    return { ...container, securityContext: { ...securityContext, appArmorProfile: profile } };
  });
}

/** What Kubernetes says of such annotations, once they are in the way of the field. */
export function annotatedProfileWarnings(
  annotations: Annotations = {},
  field: string,
): string[] {
  return Object.keys(annotations).filter((key) => key.startsWith(PREFIX)).map((key) =>
    `${field}[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`
  );
}

/** The rules for such annotations. `spec` has the profiles that they ask for. */
export function annotatedProfileCauses(
  spec: PodSpec,
  annotations: Annotations = {},
  field: string,
): Cause[] {
  const containers = containersOf(spec);
  return Object.entries(annotations).filter(([key]) => key.startsWith(PREFIX))
    .flatMap(([key, text]) => {
      const at = `${field}[${key}]`;
      const name = key.slice(PREFIX.length);
      const found = containers.find(({ container }) => container.name === name);
      return [
        ...(found ? [] : [invalid(at, name, "container not found")]),
        ...(isProfileText(text)
          ? []
          : [invalid(at, text, `invalid AppArmor profile name: ${JSON.stringify(text)}`)]),
        ...(found ? contradictionCauses(spec, found, text, field) : []),
      ];
    });
}

/** Once a pod is there, its profiles stay. */
export function changedProfileCauses(
  next: Annotations = {},
  previous: Annotations = {},
  field: string,
): Cause[] {
  const of = (annotations: Annotations) =>
    Object.entries(annotations).filter(([key]) => key.startsWith(PREFIX));
  return [
    ...of(previous).filter(([key, text]) => ownField(next, key) !== text)
      .map(([key]) =>
        forbidden(`${field}[${key}]`, "may not remove or update AppArmor annotations")
      ),
    ...of(next).filter(([key]) => !Object.hasOwn(previous, key))
      .map(([key]) => forbidden(`${field}[${key}]`, "may not add AppArmor annotations")),
  ];
}

function contradictionCauses(
  { securityContext }: PodSpec,
  { container, path }: ReturnType<typeof containersOf>[number],
  text: string,
  field: string,
): Cause[] {
  const profile = container.securityContext?.appArmorProfile ?? securityContext.appArmorProfile;
  if (profile === undefined) return [];
  const said = profileOf(text);
  const specField = field.replace(/metadata\.annotations$/, "spec");
  const at = `${specField}.${path}.securityContext.appArmorProfile`;
  if (said?.type !== profile.type) {
    return [forbidden(`${at}.type`, "apparmor type in annotation and field must match")];
  }
  return said.localhostProfile === profile.localhostProfile
    ? []
    : [forbidden(`${at}.localhostProfile`, "apparmor profile in annotation and field must match")];
}

function profileOf(text: string | undefined): Profile | undefined {
  if (text === "unconfined") return { type: "Unconfined" };
  if (text === "runtime/default") return { type: "RuntimeDefault" };
  if (!text?.startsWith(LOCALHOST)) return undefined;
  const profile = { type: "Localhost" as const, localhostProfile: text.slice(LOCALHOST.length) };
  return appArmorCauses(profile, "").length === 0 ? profile : undefined;
}

function isProfileText(text: string): boolean {
  return ["", "runtime/default", "unconfined"].includes(text) || text.startsWith(LOCALHOST);
}
