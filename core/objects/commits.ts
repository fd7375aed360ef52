import { refusalOf } from "../client/refusals.ts";
import type { WriteOptions, Written } from "../client/write_options.ts";
import { isEqual } from "../lib/equality.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import type { Entry, Key, Store } from "../store/store.ts";
import type { Admitted } from "./admit.ts";
import type { ConversionWebhooks } from "./conversion/conversion_webhooks.ts";
import { isDone } from "./deletion.ts";
import { isSameButTimes } from "./managed_fields/managers.ts";

/** How what was admitted gets into the store. */
export class Commits {
  readonly #store: Store;
  readonly #conversions: ConversionWebhooks;

  constructor(store: Store, conversions: ConversionWebhooks) {
    this.#store = store;
    this.#conversions = conversions;
  }

  /**
   * What is decided rests on what was admitted so far. A commit fails with that by itself; a refusal waits until it is
   * durable, so that its reason can be read, and is none when it never will be. Decides again after each conversion of
   * a custom resource that turns out to be needed.
   */
  async decided(act: () => Promise<Written>): Promise<Written> {
    const confirmed = this.#store.confirmed();
    try {
      return await this.#conversions.whileNeeded(act);
    } catch (error) {
      await confirmed.catch((cause) => {
        throw refusalOf(cause);
      });
      throw error;
    }
  }

  /** Stores what was admitted, if it differs from what is there. Throws an ApiError for a refusal. */
  async store(
    resource: AnyResource,
    key: Key,
    { object, warnings, release }: Admitted,
    previous: Entry | undefined,
    options: WriteOptions,
  ): Promise<Written> {
    try {
      if (previous && isUnchanged(object, previous.object)) {
        await this.#store.confirmed();
        return { ...written(previous), warnings, outcome: "unchanged" };
      }
      if (previous && isDone(resource, object)) {
        const removed = await this.remove(key, previous, warnings, options);
        return { ...removed, ...unstored(object) };
      }
      const outcome = previous ? "changed" : "created";
      if (options.dryRun) return { ...unstored(object), warnings, outcome };
      const change = { key, value: object, expected: previous?.revision ?? 0 };
      const [entry] = await this.#store.commit([change]);
      return { ...written(entry!), warnings, outcome };
    } catch (error) {
      throw refusalOf(error);
    } finally {
      release();
    }
  }

  /** Throws an ApiError for a refusal. */
  async remove(
    key: Key,
    previous: Entry,
    warnings: readonly string[],
    { dryRun }: WriteOptions,
  ): Promise<Written> {
    try {
      if (!dryRun) {
        await this.#store.commit([{ key, value: undefined, expected: previous.revision }]);
      }
      return { ...written(previous), warnings, outcome: "removed" };
    } catch (error) {
      throw refusalOf(error);
    }
  }
}

/** An object that the server itself makes up. */
export function unchecked(object: KubeObject): Admitted {
  return { object, warnings: [], release: () => {} };
}

/** Whether nothing is to be written: when fields were last managed does not count. */
function isUnchanged(next: KubeObject, previous: KubeObject): boolean {
  return isEqual(withoutManagers(next), withoutManagers(previous)) &&
    isSameButTimes(next.metadata.managedFields, previous.metadata.managedFields, isEqual);
}

function withoutManagers(
  { metadata: { resourceVersion: _, managedFields: __, ...metadata }, ...rest }: KubeObject,
): unknown {
  return { ...rest, metadata };
}

/** The part of an answer that is stored. */
function written({ object, bytes }: Entry): { object: KubeObject; bytes: Uint8Array } {
  return { object, bytes };
}

/** As it would be stored: without a resourceVersion when it is new. */
function unstored(object: KubeObject): { object: KubeObject; bytes: Uint8Array } {
  const { resourceVersion, ...metadata } = object.metadata;
  const shown = resourceVersion === "" ? { ...object, metadata } as KubeObject : object;
  return { object: shown, bytes: new TextEncoder().encode(JSON.stringify(shown)) };
}
