import { ApiError } from "../../../client/api_error.ts";
import type { View } from "../../../client/client.ts";
import { badRequest } from "../../../client/refusals.ts";
import {
  WebhookFailure,
  type WebhookTransport,
} from "../../../client/webhooks/webhook_transport.ts";
import type { Log } from "../../../lib/log.ts";
import type { Random } from "../../../lib/random.ts";
import type { Webhook } from "../../../resources/admissionregistration/webhook_shape.ts";
import { webhookAddress } from "../../../traffic/webhook_addresses.ts";
import type { AdmissionAttributes, AdmissionObjects } from "../admission_attributes.ts";
import type { GroupVersion } from "../rule_matching.ts";
import {
  type AdmissionAnswer,
  admissionReview,
  answerFrom,
  refusalBy,
} from "./admission_review.ts";

interface CallsOptions {
  view: View;
  random: Random;
  log: Log;
  transport: WebhookTransport;
}

/** One request to one webhook. */
export interface Call {
  webhook: Webhook;
  attributes: AdmissionAttributes;
  objects: AdmissionObjects;
  /** In which the webhook sees the objects. */
  version: GroupVersion;
  mayPatch: boolean;
}

const REVIEW_VERSIONS = ["v1", "v1beta1"];

/** Asks webhooks, one at a time. */
export class WebhookCalls {
  readonly #options: CallsOptions;
  #turn = 0;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /**
   * The answer of a webhook that allows the request; `undefined` when it could not be asked and that is to be ignored.
   * Throws an ApiError when it refuses, or could not be asked.
   */
  async ask(call: Call): Promise<AdmissionAnswer | undefined> {
    const { webhook } = call;
    refuseEffects(call);
    let answer: AdmissionAnswer;
    try {
      answer = await this.#answerTo(call);
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      const words = `failed calling webhook ${JSON.stringify(webhook.name)}: ${error.message}`;
      if (webhook.failurePolicy === "Fail") throw internalError(words);
      this.#options.log.warn("A webhook could not be asked; the request goes on without it", {
        webhook: webhook.name,
        error: error.message,
      });
      return undefined;
    }
    for (const [key, value] of Object.entries(answer.auditAnnotations)) {
      call.attributes.annotate?.(`${webhook.name}/${key}`, value);
    }
    if (!answer.isAllowed) throw refusalBy(webhook.name, answer.status);
    return answer;
  }

  async #answerTo(call: Call): Promise<AdmissionAnswer> {
    const { webhook, attributes, objects, version, mayPatch } = call;
    const { view, random, transport } = this.#options;
    const reviewVersion =
      webhook.admissionReviewVersions?.find((one) => REVIEW_VERSIONS.includes(one)) ?? "v1";
    const uid = random.uuid();
    const review = admissionReview(attributes, objects, { uid, version, reviewVersion });
    const address = webhookAddress(view, webhook.clientConfig, this.#turn++);
    if ("fault" in address) throw new WebhookFailure(`failed to call webhook: ${address.fault}`);
    const asked = transport.post(address, JSON.stringify(review), webhook.timeoutSeconds);
    const answer = await asked.catch((error) => {
      if (!(error instanceof WebhookFailure)) throw error;
      throw new WebhookFailure(`failed to call webhook: ${error.message}`);
    });
    return answerFrom(answer, { uid, reviewVersion, mayPatch });
  }
}

/** A dry run must have no effects: whoever does not promise so is not asked. */
function refuseEffects({ webhook: { name, sideEffects = "" }, attributes }: Call): void {
  if (!attributes.isDryRun || ["None", "NoneOnDryRun"].includes(sideEffects)) return;
  throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`);
}

export function internalError(reason: string): ApiError {
  const cause = { message: reason } as { field: string; reason: never; message: string };
  return new ApiError("InternalError", `Internal error occurred: ${reason}`, { causes: [cause] });
}
