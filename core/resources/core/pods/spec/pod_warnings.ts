import { ownField } from "../../../../lib/own_field.ts";
import { unimplementedWarning, warnerOf } from "../../../unimplemented_fields.ts";
import {
  UNIMPLEMENTED_POD_CONSEQUENCES,
  UNIMPLEMENTED_POD_FIELDS,
} from "./unimplemented_fields.ts";
import { containersOf } from "./pod_containers.ts";
import type { PodSpec } from "./pod_spec.ts";

const CONTAINER_LISTS = ["initContainers", "containers", "ephemeralContainers"];
/** What is said of a main container holds for all of a pod. */
const { fields: FIELDS, consequences: CONSEQUENCES } = forAllContainers();
const unimplementedWarnings = warnerOf(FIELDS, CONSEQUENCES);

/**
 * What a client should know of a PodSpec that is accepted: what is not implemented, and, in the words of
 * k8s.io/kubernetes/pkg/api/pod/warnings.go, what is probably a mistake. `field` is the path of the spec.
 */
export function podSpecWarnings(spec: PodSpec, field: string): string[] {
  const all = containersOf(spec);
  return [
    ...unimplementedWarnings(spec, field),
    ...emptyDirWarnings(spec, `${field}.volumes`),
    ...all.flatMap(({ container: { env = [] }, path }) =>
      hiddenEnvWarnings(env.map(({ name }) => name), `${field}.${path}.env`)
    ),
    ...all.flatMap(({ container: { resources }, path }) => [
      ...fractionWarnings(resources.requests, `${field}.${path}.resources.requests`),
      ...fractionWarnings(resources.limits, `${field}.${path}.resources.limits`),
    ]),
  ];
}

function forAllContainers() {
  const spread = <T>(table: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      Object.entries(table).flatMap(([path, value]) =>
        CONTAINER_LISTS.map((list) => [path.replace(/^containers(?=\[)/, list), value])
      ),
    );
  return {
    fields: spread(UNIMPLEMENTED_POD_FIELDS),
    consequences: spread(UNIMPLEMENTED_POD_CONSEQUENCES),
  };
}

/** There are no huge pages. */
function emptyDirWarnings({ volumes = [] }: PodSpec, field: string): string[] {
  return volumes.flatMap(({ emptyDir }, i) => {
    const { medium } = emptyDir ?? {};
    const isKnown = !medium || medium === "Memory";
    return isKnown ? [] : [unimplementedWarning(`${field}[${i}].emptyDir.medium`)];
  });
}

function hiddenEnvWarnings(names: readonly string[], field: string): string[] {
  const seen = new Set<string>();
  return names.flatMap((name, i) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const definition = JSON.stringify(name);
    return [
      `${field}[${i}]: hides previous definition of ${definition}, which may be dropped when using apply`,
    ];
  });
}

/** `100m` of memory is a tenth of a byte, and not what anybody means. */
function fractionWarnings(amounts: Record<string, string> | undefined, field: string): string[] {
  return ["memory", "ephemeral-storage"].flatMap((name) => {
    const amount = ownField(amounts, name);
    return amount?.endsWith("m")
      ? [
        `${field}[${name}]: fractional byte value ${
          JSON.stringify(amount)
        } is invalid, must be an integer`,
      ]
      : [];
  });
}
