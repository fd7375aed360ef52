import type { Condition } from "../../resources/conditions.ts";
import { withConditions } from "../../resources/conditions.ts";

/** One aspect of the state of an object of the Gateway API; all of them have a reason and a message. */
export type GatewayNews = Pick<Condition, "type" | "status" | "reason" | "message">;

/** The condition `type` that holds. Reason and type are often the same word. */
export function yes(type: string, message: string, reason = type): GatewayNews {
  return { type, status: "True", reason, message };
}

export function no(type: string, reason: string, message: string): GatewayNews {
  return { type, status: "False", reason, message };
}

/** The conditions with all the news, each for this generation of the object. */
export function withAllNews(
  conditions: Condition[] | undefined,
  news: readonly GatewayNews[],
  { generation = 0, nowMs }: { generation: number | undefined; nowMs: number },
): Condition[] {
  const updates = news.map((condition) => ({
    ...condition,
    observedGeneration: generation,
    lastTransitionTime: "",
  }));
  return withConditions(conditions, updates, nowMs);
}
