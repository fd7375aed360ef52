import { isJsonObject } from "../lib/json/json_value.ts";
import { formatSelector, selectorOf } from "../schema/selectors.ts";
import type { KubeObject, ScalePaths } from "./resource.ts";

/** What the scale of an object says. */
export interface ScaleNumbers {
  /** Replicas that there should be; `undefined`: the object does not say. */
  wanted: number | undefined;
  /** Replicas that there are. */
  present: number;
  /** Selector of the pods, as a text. */
  selector: string | undefined;
}

export function scaleNumbersOf(paths: ScalePaths, scaled: KubeObject): ScaleNumbers {
  const wanted = valueAt(scaled, paths.specReplicas);
  return {
    wanted: wanted === undefined ? undefined : Number(wanted),
    present: Number(valueAt(scaled, paths.statusReplicas) ?? 0),
    selector: selectorText(paths, paths.selector && valueAt(scaled, paths.selector)),
  };
}

function selectorText({ selectsBy }: ScalePaths, value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (!isJsonObject(value)) return undefined;
  const selector = selectsBy === "labels"
    ? { matchLabels: value as Record<string, string> }
    : value;
  return formatSelector(selectorOf(selector));
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner, field) => isJsonObject(inner) ? inner[field] : undefined, value);
}
