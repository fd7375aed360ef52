import type { KubeObject } from "../../core/resources/resource.ts";
import type { Key, Revision } from "../../core/store/store.ts";

/** Every object of the suite is a ConfigMap of this namespace. */
export const RESOURCE = "configmaps";
const NAMESPACE = "crash";

/** One commit that a writer is about to do. */
export interface Attempt {
  writer: number;
  /** Grows with each attempt of a writer, also over restarts. */
  sequence: number;
  /** Bytes of text by name; 0 removes the object. */
  sizes: Readonly<Record<string, number>>;
}

export interface Outcome {
  writer: number;
  sequence: number;
  /** By name; 0 for what was removed. */
  revisions: Readonly<Record<string, Revision>>;
}

/** The output of a writer process, one JSON text a line. */
export type Line = { ready: Revision } | { attempt: Attempt } | { done: Outcome } | {
  /** The writer gave up: the words of the error. */
  refused: string;
};

/** Whole lines only: the last one of a killed process may be cut. */
export function linesIn(text: string): Line[] {
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line) as Line);
}

export function keyOf(name: string): Key {
  return [RESOURCE, NAMESPACE, name];
}

/** An object whose every byte depends on who wrote it, so that a mixture of two writes is detected. */
export function objectOf(name: string, attempt: Attempt): KubeObject {
  const metadata = {
    namespace: NAMESPACE,
    name,
    uid: name,
    creationTimestamp: "",
    resourceVersion: "",
  };
  const data = { text: textOf(name, attempt) };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data } as KubeObject;
}

export function textOf(name: string, { sequence, sizes }: Attempt): string {
  const unit = `${name}/${sequence} `;
  return unit.repeat(Math.ceil(sizes[name]! / unit.length)).slice(0, sizes[name]);
}

export function textIn(object: KubeObject): string {
  return (object as KubeObject & { data: { text: string } }).data.text;
}
