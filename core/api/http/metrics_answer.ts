import type { Hono } from "hono";
import { EXPOSITION_TYPE } from "../../usage/exposition.ts";
import { sendText } from "./answer.ts";
import type { ApiEnv } from "./api_context.ts";

/** `GET /metrics`, for whoever may get this path: RBAC's `nonResourceURLs`. */
export function addMetrics(app: Hono<ApiEnv>, metrics: () => Promise<string>): void {
  app.get("/metrics", async (c) => sendText(c, 200, await metrics(), EXPOSITION_TYPE));
}
