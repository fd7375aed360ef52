import { ownField } from "../../../lib/own_field.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { AnalysisRunArgument, Argument } from "../../../resources/argoproj/mod.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import { qualifiedNameFaults } from "../../../schema/names.ts";
import { hashOf } from "../situation/sets.ts";

/** An argument refers to something of the Rollout that is not there. The message is Argo's. */
export class FieldError extends Error {
  override name = "FieldError";
}

export interface ArgumentSources {
  rollout: KubeObject;
  current: ReplicaSet;
  stable: ReplicaSet | undefined;
}

/**
 * The arguments of an analysis of a rollout with their values: given ones, hashes of pods, fields of the Rollout.
 * @throws {FieldError}
 */
export function rolloutArguments(
  args: readonly AnalysisRunArgument[],
  sources: ArgumentSources,
): Argument[] {
  return args.map((argument) => ({
    name: argument.name,
    value: valueOf(argument, sources) ?? argument.value ?? "",
  }));
}

function valueOf(
  { valueFrom }: AnalysisRunArgument,
  { rollout, current, stable }: ArgumentSources,
): string | undefined {
  const { podTemplateHashValue, fieldRef } = valueFrom ?? {};
  if (podTemplateHashValue !== undefined) {
    if (podTemplateHashValue === "Latest") return hashOf(current);
    return podTemplateHashValue === "Stable" ? hashOf(stable) : undefined;
  }
  if (fieldRef === undefined) return undefined;
  const { fieldPath } = fieldRef;
  return fieldPath.startsWith("metadata")
    ? metadataField(rollout, fieldPath)
    : anyField(rollout, fieldPath);
}

/** A field as the downward API of pods has them. Kubernetes: `pkg/fieldpath/fieldpath.go`. */
function metadataField({ metadata }: KubeObject, path: string): string {
  const { labels = {}, annotations = {} } = metadata;
  const [, map, key] = /^(.+?)\['(.*)'\]$/s.exec(path) ?? [];
  if (map !== undefined && key !== undefined) {
    if (map !== "metadata.annotations" && map !== "metadata.labels") {
      throw new FieldError(`fieldPath ${JSON.stringify(path)} does not support subscript`);
    }
    const isOfLabels = map === "metadata.labels";
    const faults = qualifiedNameFaults(isOfLabels ? key : key.toLowerCase());
    if (faults.length > 0) {
      throw new FieldError(`invalid key subscript in ${path}: ${faults.join(";")}`);
    }
    return ownField(isOfLabels ? labels : annotations, key) ?? "";
  }
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid;
    case "metadata.labels":
      return linesOf(labels);
    case "metadata.annotations":
      return linesOf(annotations);
  }
  throw new FieldError(`unsupported fieldPath: ${path}`);
}

function linesOf(map: Readonly<Record<string, string>>): string {
  return Object.entries(map).map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort()
    .join("\n");
}

/** Any other field of the Rollout, such as `status.canary.weights.canary.weight` or `spec.strategy.canary.steps[0].setWeight`. */
function anyField(rollout: KubeObject, path: string): string {
  let value: unknown = rollout;
  for (const section of path.split(/[.[\]]+/)) {
    if (section !== "") value = member(value, section, path);
  }
  if (value === undefined || value === null) {
    throw new FieldError(`invalid path ${path} in rollout`);
  }
  if (typeof value === "object") {
    throw new FieldError(`path ${path} in rollout must terminate in a primitive value`);
  }
  return typeof value === "number" ? numberText(value) : String(value);
}

function member(value: unknown, section: string, path: string): unknown {
  if (Array.isArray(value)) {
    if (!/^[+-]?[0-9]+$/.test(section)) throw new FieldError(`invalid index '${section}'`);
    const index = Number(section);
    if (index < 0 || index >= value.length) throw new FieldError(`index ${index} out of range`);
    return value[index];
  }
  if (typeof value !== "object" || value === null) {
    throw new FieldError(`invalid path ${path} in rollout`);
  }
  return ownField(value as Record<string, unknown>, section);
}

/** As Go prints a float64 with `%v`: with an exponent from a million on, and below a ten thousandth. */
function numberText(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e6)) return String(value);
  return value.toExponential().replace(/e([+-])([0-9])$/, "e$10$2");
}
