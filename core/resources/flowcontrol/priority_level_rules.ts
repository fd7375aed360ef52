import { isEqual } from "../../lib/equality.ts";
import { type Cause, forbidden, invalid, missing, notSupported } from "../../schema/causes.ts";
import type { ObjectMeta } from "../../schema/metadata.ts";
import { DEFAULT_PRIORITY_LEVELS } from "./default_priority_levels.ts";
import type { LimitedLevel, PriorityLevelSpec, Queuing } from "./priority_level_spec.ts";

// The rules for priority levels, in the words of Kubernetes' pkg/apis/flowcontrol/validation.

const QUEUES_MAX = 10_000_000;
const HASH_BITS_MAX = 60;
const ROUND_TRIP = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";
const NOT_NEGATIVE = "must be a non-negative integer";

export function priorityLevelCauses(
  { name, annotations = {} }: ObjectMeta,
  spec: PriorityLevelSpec,
): Cause[] {
  const { type } = spec;
  return [
    ...(Object.hasOwn(annotations, ROUND_TRIP)
      ? [forbidden("metadata.annotations", `annotation '${ROUND_TRIP}' is forbidden`)]
      : []),
    ...((name === "exempt") !== (type === "Exempt")
      ? [invalid("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'")]
      : []),
    ...typeCauses(spec),
    ...fixedCauses(name, spec),
  ];
}

function typeCauses({ type, limited, exempt }: PriorityLevelSpec): Cause[] {
  switch (type) {
    case "Exempt":
      return [
        ...(limited ? [forbidden("spec.limited", "must be nil if the type is not Limited")] : []),
        ...(exempt ? shareCauses(exempt, "spec.exempt") : []),
      ];
    case "Limited":
      return [
        ...(exempt ? [forbidden("spec.exempt", "must be nil if the type is Limited")] : []),
        ...(limited
          ? limitedCauses(limited)
          : [missing("spec.limited", "must not be empty when type is Limited")]),
      ];
    default:
      return [notSupported("spec.type", type, ["Exempt", "Limited"])];
  }
}

function shareCauses(
  { nominalConcurrencyShares: shares, lendablePercent: percent }: {
    nominalConcurrencyShares: number;
    lendablePercent: number;
  },
  field: string,
): Cause[] {
  return [
    ...(shares < 0 ? [invalid(`${field}.nominalConcurrencyShares`, shares, NOT_NEGATIVE)] : []),
    ...(percent < 0 || percent > 100
      ? [invalid(`${field}.lendablePercent`, percent, "must be between 0 and 100, inclusive")]
      : []),
  ];
}

function limitedCauses(limited: LimitedLevel): Cause[] {
  const { limitResponse: { type, queuing }, borrowingLimitPercent: borrowing } = limited;
  const field = "spec.limited.limitResponse";
  const none = "must not be empty if limited.limitResponse.type is Limited";
  const some = "must be nil if limited.limitResponse.type is not Limited";
  const queuingCauses = type === "Queue"
    ? queuing ? queueCauses(queuing, `${field}.queuing`) : [missing(`${field}.queuing`, none)]
    : type === "Reject"
    ? queuing ? [forbidden(`${field}.queuing`, some)] : []
    : [notSupported(`${field}.type`, type, ["Queue", "Reject"])];
  return [
    ...shareCauses(limited, "spec.limited"),
    ...queuingCauses,
    ...(borrowing !== undefined && borrowing < 0
      ? [
        invalid(
          "spec.limited.borrowingLimitPercent",
          borrowing,
          `if specified, ${NOT_NEGATIVE}`,
        ),
      ]
      : []),
  ];
}

function queueCauses({ queues, handSize, queueLengthLimit }: Queuing, field: string): Cause[] {
  const entropy = Math.ceil(Math.log2(queues) * handSize);
  const positive = (name: string, value: number) =>
    value <= 0 ? [invalid(`${field}.${name}`, value, "must be positive")] : [];
  const handFault = handSize <= 0
    ? "must be positive"
    : handSize > queues
    ? `should not be greater than queues (${queues})`
    : entropy > HASH_BITS_MAX
    ? `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS_MAX}`
    : undefined;
  return [
    ...positive("queueLengthLimit", queueLengthLimit),
    ...positive("queues", queues),
    ...(queues > QUEUES_MAX
      ? [invalid(`${field}.queues`, queues, `must not be greater than ${QUEUES_MAX}`)]
      : []),
    ...(handFault ? [invalid(`${field}.handSize`, handSize, handFault)] : []),
  ];
}

function fixedCauses(name: string, spec: PriorityLevelSpec): Cause[] {
  if (name !== "exempt" && name !== "catch-all") return [];
  const fixed = DEFAULT_PRIORITY_LEVELS.find(({ metadata }) => metadata.name === name)!.spec;
  const isExempt = name === "exempt";
  const compared = isExempt && fixed.exempt ? { ...spec, exempt: fixed.exempt } : spec;
  if (isEqual(compared, fixed)) return [];
  const but = isExempt ? " except the 'spec.exempt' field" : "";
  return [invalid("spec", spec, `spec of '${name}'${but} must equal the fixed value`)];
}
