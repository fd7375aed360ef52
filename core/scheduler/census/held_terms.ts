import type { View } from "../../client/client.ts";
import { ownField } from "../../lib/own_field.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import { exactLabelOf } from "../../schema/selectors.ts";
import type { PodGroup } from "./pod_census.ts";
import { isTermAbout, type PodTerm, type WeightedTerm } from "./pod_terms.ts";

/** A term of pods that are on nodes. */
export interface HeldTerm extends WeightedTerm {
  /** How many pods that have it are in a domain, by the value of its topology key. */
  readonly counts: Map<string, number>;
}

interface Kept extends HeldTerm {
  holders: number;
}

/** Terms that are held by nobody are removed when there are as many of them as others, but not below this number. */
const UNUSED_MAX = 64;
/** Where terms are kept that ask for no label in particular. */
const ANY_LABEL = "";

/**
 * What the pods on the nodes say about other pods, so that a new pod finds the terms that are about it without a look at
 * all pods. A term that nobody holds any longer may stay for a while, with empty counts.
 */
export class HeldTerms {
  readonly #terms = new Map<string, Kept>();
  /** By a label that the term asks for, as `key=value`. */
  readonly #byLabel = new Map<string, Set<Kept>>();
  #unused = 0;

  add({ term, weight }: WeightedTerm, node: Node): void {
    const kept = this.#terms.get(keyOf(term, weight)) ?? this.#began(term, weight);
    if (kept.holders++ === 0) this.#unused--;
    countOn(kept, node, 1);
  }

  remove({ term, weight }: WeightedTerm, node: Node): void {
    const kept = this.#terms.get(keyOf(term, weight))!;
    if (--kept.holders === 0) this.#unused++;
    countOn(kept, node, -1);
  }

  /** The terms that are about pods of the group. */
  about(group: PodGroup, view: View): HeldTerm[] {
    const places = [
      ANY_LABEL,
      ...Object.entries(group.labels).map(([key, value]) => `${key}=${value}`),
    ];
    return places.flatMap((place) =>
      [...this.#byLabel.get(place) ?? []].filter(({ term }) => isTermAbout(term, group, view))
    );
  }

  #began(term: PodTerm, weight: number): Kept {
    this.#sweep();
    const kept = { term, weight, counts: new Map<string, number>(), holders: 0 };
    this.#unused++;
    this.#terms.set(keyOf(term, weight), kept);
    const place = placeOf(term);
    const there = this.#byLabel.get(place) ?? new Set();
    this.#byLabel.set(place, there.add(kept));
    return kept;
  }

  #sweep(): void {
    if (this.#unused <= Math.max(UNUSED_MAX, this.#terms.size / 2)) return;
    for (const [key, kept] of this.#terms) {
      if (kept.holders > 0) continue;
      this.#terms.delete(key);
      const place = placeOf(kept.term);
      const there = this.#byLabel.get(place)!;
      there.delete(kept);
      if (there.size === 0) this.#byLabel.delete(place);
    }
    this.#unused = 0;
  }
}

function keyOf({ key }: PodTerm, weight: number): string {
  return `${weight} ${key}`;
}

function placeOf({ selector }: PodTerm): string {
  const exact = exactLabelOf(selector);
  return exact === undefined ? ANY_LABEL : `${exact.key}=${exact.value}`;
}

function countOn({ term, counts }: HeldTerm, { metadata: { labels } }: Node, by: 1 | -1): void {
  const domain = ownField(labels, term.topologyKey);
  if (domain === undefined) return;
  const count = (counts.get(domain) ?? 0) + by;
  if (count === 0) counts.delete(domain);
  else counts.set(domain, count);
}
