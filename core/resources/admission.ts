import type { Ipv4Range } from "../lib/addresses/ipv4.ts";
import type { Clock } from "../lib/clock.ts";
import type { Random } from "../lib/random.ts";
import type { Cause } from "../schema/causes.ts";
import type { ObjectMeta } from "../schema/metadata.ts";

/** What the admission of a kind decides from, beside the object itself and what is stored of it. */
export interface AdmissionContext<T> {
  /** Whether a controller in this very program writes. */
  readonly isOwn: boolean;
  /** Fields that are wrong are named here, so that the client hears of all of them at once. */
  readonly causes: Cause[];
  readonly random: Random;
  readonly settings: ClusterSettings;
  readonly claims: Claims;
  /** All objects of the kind, as they are now. */
  all(): readonly T[];
  /** All objects of another kind, by plural and group: `ipaddresses.networking.k8s.io`. */
  others(groupResource: string): readonly { readonly metadata: ObjectMeta }[];
}

/** What the operator of the cluster has chosen. */
export interface ClusterSettings {
  /** Where the addresses of Services come from. */
  readonly serviceRange: Ipv4Range;
  readonly clock: Clock;
  /** What the kinds that are served are called. */
  kinds(): readonly KindNames[];
}

/** What a kind is called. */
export interface KindNames {
  readonly group: string;
  readonly kind: string;
  readonly listKind?: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Absent: it is built in. */
  readonly definedBy?: { readonly name: string };
}

/** Values of which each is given to one object of a kind, and that writes under way have been given. */
export interface Claims {
  has(value: string): boolean;
  /** Until the write is visible or refused. */
  add(value: string): void;
}
