import { OtherRefusal } from "../../client/api_error.ts";
import type { View } from "../../client/client.ts";
import { WebhookFailure, type WebhookTransport } from "../../client/webhooks/webhook_transport.ts";
import type { Random } from "../../lib/random.ts";
import { ConversionNeeded } from "../../resources/apiextensions/custom/converted_objects.ts";
import type { AnyResource, Conversions, KubeObject } from "../../resources/resource.ts";
import { webhookAddress } from "../../traffic/webhook_addresses.ts";
import { conversionReview, convertedObjects, reviewVersionOf } from "./conversion_review.ts";

/** client-go's for a webhook of which nothing else is said. */
const TIMEOUT_SECONDS = 30;
/** How often something is done again because of an object that was not known in another version. */
const ROUNDS_MAX = 16;

interface Options {
  view: View;
  random: Random;
  transport: WebhookTransport;
}

/**
 * Conversion of custom resources by webhooks. What reads and decides is synchronous and throws
 * {@linkcode ConversionNeeded}; who can wait does it through {@linkcode ConversionWebhooks.whileNeeded}.
 */
export class ConversionWebhooks {
  #options: Options | undefined;
  #turn = 0;

  /** From now on, webhooks are asked; before, whatever needs one is refused. */
  askBy(options: Options): void {
    this.#options = options;
  }

  /**
   * Does `act`, again after each conversion that it turns out to need: it must not have changed anything when it throws
   * for want of one. Throws an ApiError when a webhook cannot be asked.
   */
  async whileNeeded<T>(act: () => T | Promise<T>): Promise<T> {
    for (let round = 1;; round++) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof ConversionNeeded) || round === ROUNDS_MAX) throw error;
        await this.#convert(error.conversions, [error.object], error.apiVersion);
      }
    }
  }

  /** Has stored objects converted to the version of a kind, all at once; afterwards they can be read. */
  async prepare(
    { group, version, reading }: AnyResource,
    objects: readonly KubeObject[],
  ): Promise<void> {
    const conversions = reading?.conversions;
    if (!conversions) return;
    const apiVersion = `${group}/${version}`;
    const unknown = objects.filter((object) => !conversions.known(object, apiVersion));
    if (unknown.length > 0) await this.#convert(conversions, unknown, apiVersion);
  }

  async #convert(
    conversions: Conversions,
    objects: readonly KubeObject[],
    desiredAPIVersion: string,
  ): Promise<void> {
    try {
      const converted = await this.#ask(conversions, objects, desiredAPIVersion);
      objects.forEach((object, index) =>
        conversions.remember(object, desiredAPIVersion, converted[index]!)
      );
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      throw new OtherRefusal(error.message, { code: 500, reason: "" });
    }
  }

  async #ask(
    { webhook }: Conversions,
    objects: readonly KubeObject[],
    desiredAPIVersion: string,
  ): Promise<KubeObject[]> {
    if (!this.#options) throw new WebhookFailure("this server asks no webhooks");
    const { view, random, transport } = this.#options;
    const kind = `${objects[0]!.apiVersion}, Kind=${objects[0]!.kind}`;
    const version = reviewVersionOf(webhook.conversionReviewVersions);
    const asked = { uid: random.uuid(), desiredAPIVersion, version };
    const address = webhookAddress(view, webhook.clientConfig ?? {}, this.#turn++);
    if ("fault" in address) {
      throw new WebhookFailure(`conversion webhook for ${kind} failed: ${address.fault}`);
    }
    const body = JSON.stringify(conversionReview(objects, asked));
    const answer = await transport.post(address, body, TIMEOUT_SECONDS).catch((error) => {
      if (!(error instanceof WebhookFailure)) throw error;
      throw new WebhookFailure(`conversion webhook for ${kind} failed: ${error.message}`);
    });
    return convertedObjects(answer, objects, { ...asked, kind });
  }
}
