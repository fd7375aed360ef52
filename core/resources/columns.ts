import { ageOf } from "../schema/durations.ts";
import type { LabelSelector } from "../schema/label_selector.ts";
import type { Column, KubeObject } from "./resource.ts";
import { formatSelector, selectorOf } from "../schema/selectors.ts";

/** The columns that nearly every kind has, in the words of k8s.io/kubernetes/pkg/printers/internalversion. */

export const nameColumn: Column<KubeObject> = {
  name: "Name",
  description: "Name, unique among the objects of its kind and namespace.",
  value: ({ metadata }) => metadata.name,
};

export const ageColumn: Column<KubeObject> = {
  name: "Age",
  description: "Time since it was created.",
  value: ({ metadata }, nowMs) => ageOf(metadata.creationTimestamp, nowMs),
};

/** For kinds that show when they were created. */
export const createdColumn: Column<KubeObject> = {
  name: "Created At",
  description: "When it was created.",
  type: "date",
  value: ({ metadata }) => metadata.creationTimestamp,
};

interface WithContainers extends KubeObject {
  spec: { template: { spec: { containers: readonly { name: string; image?: string }[] } } };
}

interface WithTemplate extends WithContainers {
  spec: WithContainers["spec"] & { selector: LabelSelector };
}

/** What `-o wide` shows of the containers of whatever makes pods. */
export const containerColumns: readonly Column<WithContainers>[] = [
  {
    name: "Containers",
    description: "Names of the containers.",
    priority: 1,
    value: ({ spec }) => namesText(spec.template.spec.containers),
  },
  {
    name: "Images",
    description: "Images of the containers.",
    priority: 1,
    value: ({ spec }) => imagesText(spec.template.spec.containers),
  },
];

/** The same, and the selector of its pods. */
export const templateColumns: readonly Column<WithTemplate>[] = [
  ...containerColumns,
  {
    name: "Selector",
    description: "Labels that its pods have.",
    priority: 1,
    value: ({ spec }) => selectorText(spec.selector),
  },
];

export function namesText(containers: readonly { name: string }[]): string {
  return containers.map(({ name }) => name).join(",");
}

export function imagesText(containers: readonly { image?: string }[]): string {
  return containers.map(({ image = "" }) => image).join(",");
}

/** A selector as kubectl writes it: `app=web,tier in (a,b)`. Keys are in order. */
export function selectorText(selector: LabelSelector): string {
  return formatSelector(selectorOf(selector)) || "<none>";
}

/** Labels as kubectl writes them: `app=web,tier=front`. */
export function labelsText(labels: Record<string, string> | undefined): string {
  return selectorText({ matchLabels: labels ?? {} });
}
