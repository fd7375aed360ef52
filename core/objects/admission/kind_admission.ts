import type { Random } from "../../lib/random.ts";
import type { ClusterSettings } from "../../resources/admission.ts";
import { type AnyResource, groupResourceOf } from "../../resources/resource.ts";
import type { AdmissionRule } from "./admission_rule.ts";

/** The rule by which each kind has its own admission. It remembers what writes under way have claimed. */
export function kindAdmission(
  { random, settings }: { random: Random; settings: ClusterSettings },
): AdmissionRule {
  const claimed = new Map<AnyResource, Set<string>>();
  return ({ resource, next, previous, causes, store, options, atEnd }) => {
    if (!resource.admit) return next;
    const ofKind = claimed.get(resource) ?? new Set();
    claimed.set(resource, ofKind);
    const claims = {
      has: (value: string) => ofKind.has(value),
      add: (value: string) => {
        ofKind.add(value);
        atEnd(() => ofKind.delete(value));
      },
    };
    const others = (of: string) => store.list([of]).map(({ object }) => object);
    const all = () => others(groupResourceOf(resource));
    const isOwn = options.isOwn === true;
    return resource.admit(next, previous, { isOwn, causes, random, settings, claims, all, others });
  };
}
