import type { Node } from "../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import type { Labels } from "../../schema/selectors.ts";
import { DomainCounts } from "./domain_counts.ts";

/** How many questions are kept current; the one that was asked least recently is dropped. */
const QUESTIONS_MAX = 128;

/** Pods that no selector tells apart: those of one namespace that have the same labels. */
export interface PodGroup {
  readonly namespace: string;
  readonly labels: Labels;
}

/** Which pods are counted, and which domain a node belongs to. The functions must always say the same. */
export interface Question {
  isAbout(group: PodGroup): boolean;
  /** `undefined` for a node that does not count. */
  domainOf(node: Node): string | undefined;
}

interface KeptQuestion extends Question {
  counts: DomainCounts;
  isDropped: boolean;
}

interface Members {
  group: PodGroup;
  /** How many of them are on a node, by its name. */
  onNodes: Map<string, number>;
  /** The questions that are about the group. */
  questions: KeptQuestion[];
}

/**
 * Counts pods by the domains of their nodes. The first time that a question is asked, all pods are counted; from then on
 * each pod that comes or goes changes the answer, so that asking again costs nothing.
 */
export class PodCensus {
  readonly #nodes = new Map<string, Node>();
  readonly #groups = new Map<string, Members>();
  /** By key, the least recently asked first. */
  readonly #questions = new Map<string, KeptQuestion>();

  /** The answer, which stays current as long as it is not dropped. Equal keys must mean equal questions. */
  ask(key: string, question: () => Question): DomainCounts {
    const kept = this.#questions.get(key) ?? this.#counted(question());
    this.#questions.delete(key);
    this.#questions.set(key, kept);
    if (this.#questions.size > QUESTIONS_MAX) this.#dropOldest();
    return kept.counts;
  }

  addNode(node: Node): void {
    this.#nodes.set(node.metadata.name, node);
    for (const { counts, domainOf } of this.#questions.values()) {
      const domain = domainOf(node);
      if (domain !== undefined) counts.addNode(domain);
    }
  }

  /** A node as it was added; its pods must have been removed before. */
  removeNode(node: Node): void {
    this.#nodes.delete(node.metadata.name);
    for (const { counts, domainOf } of this.#questions.values()) {
      const domain = domainOf(node);
      if (domain !== undefined) counts.removeNode(domain);
    }
  }

  addPod(pod: Pod, node: Node): void {
    this.#count(this.#membersOf(pod), node, 1);
  }

  removePod(pod: Pod, node: Node): void {
    const key = groupKeyOf(pod);
    const members = this.#groups.get(key)!;
    this.#count(members, node, -1);
    if (members.onNodes.size === 0) this.#groups.delete(key);
  }

  #count({ onNodes, questions }: Members, node: Node, by: 1 | -1): void {
    const { name } = node.metadata;
    const pods = (onNodes.get(name) ?? 0) + by;
    if (pods === 0) onNodes.delete(name);
    else onNodes.set(name, pods);
    for (const { counts, domainOf, isDropped } of questions) {
      if (isDropped) continue;
      const domain = domainOf(node);
      if (domain !== undefined) counts.addPods(domain, by);
    }
  }

  #membersOf(pod: Pod): Members {
    const key = groupKeyOf(pod);
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const { namespace, labels = {} } = pod.metadata;
    const group = { namespace, labels };
    const questions = [...this.#questions.values()].filter((question) => question.isAbout(group));
    const members = { group, onNodes: new Map<string, number>(), questions };
    this.#groups.set(key, members);
    return members;
  }

  #counted(question: Question): KeptQuestion {
    const { isAbout, domainOf } = question;
    const kept = { isAbout, domainOf, counts: new DomainCounts(), isDropped: false };
    for (const node of this.#nodes.values()) {
      const domain = domainOf(node);
      if (domain !== undefined) kept.counts.addNode(domain);
    }
    for (const members of this.#groups.values()) {
      if (!isAbout(members.group)) continue;
      if (members.questions.length > 2 * QUESTIONS_MAX) {
        members.questions = members.questions.filter(({ isDropped }) => !isDropped);
      }
      members.questions.push(kept);
      for (const [name, pods] of members.onNodes) {
        const domain = domainOf(this.#nodes.get(name)!);
        if (domain !== undefined) kept.counts.addPods(domain, pods);
      }
    }
    return kept;
  }

  #dropOldest(): void {
    for (const [key, oldest] of this.#questions) {
      oldest.isDropped = true;
      this.#questions.delete(key);
      return;
    }
  }
}

function groupKeyOf({ metadata: { namespace, labels } }: Pod): string {
  return `${namespace} ${JSON.stringify(labels ?? {})}`;
}
