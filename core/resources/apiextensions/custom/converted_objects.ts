import type { Conversions, ConversionWebhook, KubeObject } from "../../resource.ts";

/** Of objects that are converted on their way into the store: what is remembered of them, in characters of JSON. */
const RECENT_CHARS_MAX = 16 * 1024 * 1024;

/**
 * An object that is needed in another version, in which it is not known yet. Whoever can wait asks the webhook, and does
 * the same again: see `core/objects/conversion/conversion_webhooks.ts`.
 */
export class ConversionNeeded extends Error {
  override name = "ConversionNeeded";
  constructor(
    readonly conversions: Conversions,
    readonly object: KubeObject,
    readonly apiVersion: string,
  ) {
    super(`the object is needed in ${apiVersion}`);
  }
}

/**
 * What a webhook has made of the objects of a kind, by their content: so that everything else that reads and decides can
 * stay synchronous. Kept as long as the objects are, and a while for those that are being written.
 */
export class ConvertedObjects implements Conversions {
  readonly #known = new WeakMap<KubeObject, Map<string, KubeObject>>();
  /** By what a webhook is asked; the last used is last. */
  readonly #recent = new Map<string, Converted>();
  #recentChars = 0;

  constructor(readonly definition: string, readonly webhook: ConversionWebhook) {}

  /** The object in a version. Throws {@linkcode ConversionNeeded}. */
  inVersion(object: KubeObject, apiVersion: string): KubeObject {
    const known = this.known(object, apiVersion);
    if (known) return known;
    throw new ConversionNeeded(this, object, apiVersion);
  }

  known(object: KubeObject, apiVersion: string): KubeObject | undefined {
    if (object.apiVersion === apiVersion) return object;
    const known = this.#known.get(object)?.get(apiVersion);
    if (known) return known;
    const recent = this.#recent.get(questionOf(object, apiVersion));
    return recent && this.#keep(object, apiVersion, merged(object, recent));
  }

  remember(object: KubeObject, apiVersion: string, answer: KubeObject): void {
    const { metadata: { labels, annotations }, ...content } = answer;
    const converted = { content, labels, annotations };
    this.#keep(object, apiVersion, merged(object, converted));
    this.#rememberRecent(questionOf(object, apiVersion), converted);
  }

  #keep(object: KubeObject, apiVersion: string, converted: KubeObject): KubeObject {
    const versions = this.#known.get(object) ?? new Map<string, KubeObject>();
    versions.set(apiVersion, converted);
    this.#known.set(object, versions);
    return converted;
  }

  #rememberRecent(question: string, converted: Converted): void {
    if (!this.#recent.has(question)) this.#recentChars += question.length;
    this.#recent.delete(question);
    this.#recent.set(question, converted);
    for (const [oldest] of this.#recent) {
      if (this.#recentChars <= RECENT_CHARS_MAX) return;
      this.#recent.delete(oldest);
      this.#recentChars -= oldest.length;
    }
  }
}

/** Without the metadata that a webhook may not change. */
interface Converted {
  content: Omit<KubeObject, "metadata">;
  labels: KubeObject["metadata"]["labels"];
  annotations: KubeObject["metadata"]["annotations"];
}

/**
 * What the answer of a webhook depends on. The server makes up uid, times, and a generated name anew each time it decides
 * on a write.
 */
function questionOf({ metadata, ...content }: KubeObject, apiVersion: string): string {
  const { name, generateName = name, namespace, labels, annotations } = metadata;
  return JSON.stringify([apiVersion, generateName, namespace, labels, annotations, content]);
}

/** Source: restoreObjectMeta of k8s.io/apiextensions-apiserver/pkg/apiserver/conversion. */
function merged({ metadata: before }: KubeObject, converted: Converted): KubeObject {
  const { labels: _, annotations: __, ...metadata } = before;
  const { content, labels, annotations } = converted;
  return {
    ...content,
    metadata: { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) },
  };
}
