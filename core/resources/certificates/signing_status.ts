import { isEqual } from "../../lib/equality.ts";
import { isJsonObject, type JsonObject, objectIn } from "../../lib/json/json_value.ts";
import { timestamp } from "../../lib/timestamp.ts";
import {
  type Cause,
  duplicate,
  forbidden,
  invalid,
  missing,
  notSupported,
} from "../../schema/causes.ts";

interface Status {
  conditions?: readonly { type: string; status: string; lastTransitionTime?: string }[];
  certificate?: string;
}

const APPROVED = "Approved";
const DENIED = "Denied";
/** Those that, once there, stay. */
const LASTING = [APPROVED, DENIED, "Failed"];

/** What was sent, each condition with the times of now where it has none. */
export function withConditionTimes(sent: JsonObject, before: Status, nowMs: number): JsonObject {
  const status = objectIn(sent, "status");
  const { conditions } = status;
  if (!Array.isArray(conditions)) return sent;
  const now = timestamp(nowMs);
  const dated = conditions.map((one) => {
    if (!isJsonObject(one)) return one;
    const known = before.conditions?.find(({ type, status }) =>
      type === one["type"] && status === one["status"]
    );
    // Clients written in Go send null for none.
    const lastUpdateTime = one["lastUpdateTime"] || now;
    const lastTransitionTime = one["lastTransitionTime"] || known?.lastTransitionTime || now;
    return { ...one, lastUpdateTime, lastTransitionTime };
  });
  return { ...sent, status: { ...status, conditions: dated } };
}

/** Source: k8s.io/kubernetes/pkg/apis/certificates/validation. */
export function signingStatusCauses(
  sent: JsonObject,
  before: Status,
  { maySetApproval, certificateFault }: {
    maySetApproval: boolean;
    certificateFault: (base64: string) => string | undefined;
  },
): Cause[] {
  const { conditions, certificate } = objectIn(sent, "status");
  const all = Array.isArray(conditions) ? conditions.filter(isJsonObject) : [];
  const causes = [...conditionCauses(all), ...changeCauses(all, before, maySetApproval)];
  const field = "status.certificate";
  const given = typeof certificate === "string" ? certificate : "";
  const fault = given === "" ? undefined : certificateFault(given);
  if (fault !== undefined) causes.push(invalid(field, "<certificate data>", fault));
  if (given === (before.certificate ?? "")) return causes;
  if (maySetApproval) {
    if (given !== "") causes.push(forbidden(field, "updates may not set certificate content"));
  } else if (before.certificate) {
    causes.push(forbidden(field, "updates may not modify existing certificate content"));
  }
  return causes;
}

function conditionCauses(conditions: readonly JsonObject[]): Cause[] {
  const field = "status.conditions";
  const types = conditions.map(({ type }) => String(type ?? ""));
  return conditions.flatMap(({ status }, i) => {
    const at = `${field}[${i}]`;
    const type = types[i]!;
    const words = LASTING.includes(type) ? ["True"] : ["False", "True", "Unknown"];
    const other = type === APPROVED ? DENIED : type === DENIED ? APPROVED : undefined;
    const isBoth = other !== undefined && types.indexOf(other) >= 0 && types.indexOf(other) < i;
    return [
      ...(type === "" ? [missing(`${at}.type`)] : []),
      ...(!status
        ? [missing(`${at}.status`)]
        : words.includes(String(status))
        ? []
        : [notSupported(`${at}.status`, status, words)]),
      ...(isBoth
        ? [invalid(field, type, "Approved and Denied conditions are mutually exclusive")]
        : []),
      ...(types.indexOf(type) < i ? [duplicate(`${at}.type`, type)] : []),
    ];
  });
}

function changeCauses(
  conditions: readonly JsonObject[],
  { conditions: before = [] }: Status,
  maySetApproval: boolean,
): Cause[] {
  const refused = (verb: string, type: string) =>
    forbidden("status.conditions", `updates may not ${verb} a condition of type "${type}"`);
  return LASTING.flatMap((type) => {
    const now = conditions.find((one) => one["type"] === type);
    const then = before.find((one) => one.type === type);
    if (then && !now) return [refused("remove", type)];
    if (maySetApproval || type === "Failed" || !now) return [];
    if (!then) return [refused("add", type)];
    const { lastUpdateTime: _, ...said } = now;
    const { lastUpdateTime: __, ...known } = then as unknown as JsonObject;
    return isEqual(said, known) ? [] : [refused("modify", type)];
  });
}
