import { messageOf } from "../../core/lib/error_message.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { Slots } from "../../core/lib/slots.ts";
import type { Secret } from "../../core/resources/core/secrets.ts";
import {
  type ContainerRuntime,
  type Image,
  type RegistryCredentials,
  RuntimeError,
} from "../runtimes/container_runtime.ts";
import { parseImageReference } from "../runtimes/image_reference.ts";
import { credentialsFor } from "./keyring.ts";
import { entriesOf, PullSecretError } from "./registry_credentials.ts";

/** The kubelet's `serializeImagePulls`: one at a time. */
export const PULLS_MAX = 1;
/** What is shown of an error that a registry wrote. */
const ERROR_CHARACTERS_MAX = 2_000;

export interface ImagePullerOptions {
  runtime: Pick<ContainerRuntime, "findImage" | "pullImage">;
  clock: Clock;
  /** How many images may be pulled at the same time. */
  pullsMax: number;
  /** Called with each image that a container is to be made of. */
  onImage?(image: Image): void;
}

export interface ImageRequest {
  image: string;
  policy: "Always" | "IfNotPresent" | "Never";
  /** Those of the pod that there are; of any type. */
  secrets: readonly Secret[];
  /** Called when the image has to be fetched, before it waits for its turn. */
  onPull?(): void;
}

export interface EnsuredImage {
  image: Image;
  /** How long it took to fetch it, alone and with the wait for its turn; absent: it was there. */
  pull?: { ms: number; wholeMs: number };
}

/**
 * Makes images present for pods, by their pull policy and with their credentials.
 *
 * Guarantees: at most `pullsMax` pulls at once, first come, first served; who asks for an image with the same
 * credentials while it is pulled gets what that pull gets; no credential is in an error.
 */
export class ImagePuller {
  readonly #options: ImagePullerOptions;
  readonly #slots: Slots;
  readonly #pulls = new Map<string, Promise<EnsuredImage>>();

  constructor(options: ImagePullerOptions) {
    this.#options = options;
    this.#slots = new Slots(options.pullsMax);
  }

  /** Rejects with a {@linkcode RuntimeError} in the kubelet's words. */
  async ensure({ image, policy, secrets, onPull }: ImageRequest): Promise<EnsuredImage> {
    const reference = parseImageReference(image);
    if (policy !== "Always") {
      const found = await this.#options.runtime.findImage(image);
      if (found !== undefined) {
        this.#options.onImage?.(found);
        return { image: found };
      }
    }
    if (policy === "Never") {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      throw new RuntimeError("ErrImageNeverPull", message);
    }
    const credentials = credentialsFor(reference, entriesIn(secrets));
    onPull?.();
    const key = JSON.stringify([reference, credentials]);
    const pull = this.#pulls.get(key) ??
      this.#pull(image, credentials).finally(() => this.#pulls.delete(key));
    this.#pulls.set(key, pull);
    const pulled = await pull;
    this.#options.onImage?.(pulled.image);
    return pulled;
  }

  async #pull(image: string, credentials: readonly RegistryCredentials[]): Promise<EnsuredImage> {
    const { clock } = this.#options;
    const askedMs = clock.elapsed();
    return await this.#slots.use(async () => {
      const startedMs = clock.elapsed();
      const pulled = await this.#pullWithAny(image, credentials);
      const endedMs = clock.elapsed();
      return { image: pulled, pull: { ms: endedMs - startedMs, wholeMs: endedMs - askedMs } };
    });
  }

  /** One after the other, as the kubelet does it; without any when there are none. */
  async #pullWithAny(image: string, all: readonly RegistryCredentials[]): Promise<Image> {
    const { runtime } = this.#options;
    if (all.length === 0) return await runtime.pullImage(image).catch((error) => fail([error], []));
    const errors: unknown[] = [];
    for (const credentials of all) {
      try {
        return await runtime.pullImage(image, credentials);
      } catch (error) {
        errors.push(error);
      }
    }
    return fail(errors, all);
  }
}

function entriesIn(secrets: readonly Secret[]) {
  try {
    return secrets.flatMap(entriesOf);
  } catch (error) {
    if (error instanceof PullSecretError) throw new RuntimeError("ErrImagePull", error.message);
    throw error;
  }
}

/** Throws one error for all, as Go's `NewAggregate` writes them: each text once. */
function fail(errors: readonly unknown[], credentials: readonly RegistryCredentials[]): never {
  const other = errors.find((error) => !isPullFailure(error));
  if (other !== undefined) throw other;
  const texts = [...new Set(errors.map((error) => shown(messageOf(error), credentials)))];
  const [only] = texts;
  throw new RuntimeError("ErrImagePull", texts.length === 1 ? only! : `[${texts.join(", ")}]`);
}

function isPullFailure(error: unknown): boolean {
  return error instanceof RuntimeError && error.reason === "ErrImagePull";
}

/** Registries write what they like into their errors: also what they were told, or a whole book. */
function shown(message: string, credentials: readonly RegistryCredentials[]): string {
  const words = credentials.flatMap(({ username, password }) => [
    new TextEncoder().encode(`${username}:${password}`).toBase64(),
    password,
  ]).filter((word) => word !== "").toSorted((a, b) => b.length - a.length);
  const hidden = words.reduce((text, word) => text.replaceAll(word, "<hidden>"), message);
  return hidden.length <= ERROR_CHARACTERS_MAX
    ? hidden
    : `${hidden.slice(0, ERROR_CHARACTERS_MAX)}…`;
}
