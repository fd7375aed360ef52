import { ownField } from "../../../lib/own_field.ts";
import { type Cause, invalid } from "../../../schema/causes.ts";

export const LEVELS = ["privileged", "baseline", "restricted"] as const;
export type Level = (typeof LEVELS)[number];

/** A level as one minor version of Kubernetes has it: 34 is v1.34. */
export interface Standard {
  level: Level;
  version: number | "latest";
}

/** What is done to pods of a namespace that do not keep to a standard: refused, warned of, or told to the audit log. */
export interface Policy {
  enforce: Standard;
  warn: Standard;
  audit: Standard;
}

/** Labels of a namespace: https://kubernetes.io/docs/concepts/security/pod-security-admission/ */
const PREFIX = "pod-security.kubernetes.io/";
const PRIVILEGED: Standard = { level: "privileged", version: "latest" };
const EVERYTHING: Policy = { enforce: PRIVILEGED, warn: PRIVILEGED, audit: PRIVILEGED };

type Labels = Readonly<Record<string, string>> | undefined;
type Mode = "enforce" | "warn" | "audit";

/**
 * The policy that a namespace's labels say. There is always one: a level that cannot be read is `restricted` where pods
 * are refused for it, `privileged` where they are warned of or told; a version that cannot be read is the latest.
 *
 * Who is refused something is warned of it too, where it cannot be refused: in the templates of pods.
 */
export function policyOf(labels: Labels): Policy {
  if (!hasPolicy(labels)) return EVERYTHING;
  const enforce: Standard = {
    level: levelIn(labels, "enforce", "restricted"),
    version: versionIn(labels, "enforce"),
  };
  const audit: Standard = {
    level: levelIn(labels, "audit", "privileged"),
    version: versionIn(labels, "audit"),
  };
  if (labelOf(labels, "warn") !== undefined) {
    const warn = {
      level: levelIn(labels, "warn", "privileged"),
      version: versionIn(labels, "warn"),
    };
    return { enforce, warn, audit };
  }
  const isSaid = isLevel(labelOf(labels, "enforce")) && enforce.level !== "privileged";
  const version = isSaid && labelOf(labels, "warn-version") === undefined
    ? enforce.version
    : versionIn(labels, "warn");
  return { enforce, warn: { level: isSaid ? enforce.level : "privileged", version }, audit };
}

/** What is wrong with the labels, in Kubernetes' words. */
export function policyCauses(labels: Labels): Cause[] {
  if (!hasPolicy(labels)) return [];
  return (["enforce", "audit", "warn"] as const).flatMap((mode) => {
    const level = labelOf(labels, mode);
    const version = labelOf(labels, `${mode}-version`);
    return [
      ...(level === undefined || isLevel(level)
        ? []
        : [labelCause(mode, level, `must be one of ${LEVELS.join(", ")}`)]),
      ...(version === undefined || parsedVersion(version) !== undefined
        ? []
        : [labelCause(`${mode}-version`, version, 'must be "latest" or "v1.x"')]),
    ];
  });
}

/** `restricted:latest`, `baseline:v1.24`. */
export function standardText({ level, version }: Standard): string {
  return `${level}:${version === "latest" ? version : `v1.${version}`}`;
}

/** Whether the first refuses more than the second. */
export function isStricter(one: Level, other: Level): boolean {
  return LEVELS.indexOf(one) > LEVELS.indexOf(other);
}

function hasPolicy(labels: Labels): boolean {
  for (const name in labels) if (name.startsWith(PREFIX)) return true;
  return false;
}

function labelOf(labels: Labels, name: string): string | undefined {
  return ownField(labels, PREFIX + name);
}

function levelIn(labels: Labels, mode: Mode, unreadable: Level): Level {
  const text = labelOf(labels, mode);
  if (text === undefined) return "privileged";
  return isLevel(text) ? text : unreadable;
}

function versionIn(labels: Labels, mode: Mode): Standard["version"] {
  return parsedVersion(labelOf(labels, `${mode}-version`) ?? "latest") ?? "latest";
}

function isLevel(text: string | undefined): text is Level {
  return LEVELS.some((level) => level === text);
}

function parsedVersion(text: string): Standard["version"] | undefined {
  if (text === "latest") return text;
  const minor = /^v1\.(0|[1-9][0-9]*)$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

function labelCause(name: string, value: string, rule: string): Cause {
  return invalid(`metadata.labels[${PREFIX}${name}]`, value, rule);
}
