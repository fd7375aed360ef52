import assert from "node:assert/strict";
import { Hono } from "hono";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { silentLog } from "../../lib/log.ts";
import type { ApiEnv } from "./api_context.ts";
import { inTime } from "./request_timeout.ts";
import { statusFor } from "./status.ts";

function asked(query: string) {
  const clock = new VirtualClock(0);
  const app = new Hono<ApiEnv>();
  app.all("*", (c) => inTime(c, clock, () => clock.sleep(5_000).then(() => c.text("done"))));
  app.onError((error, c) => {
    const { code, message = "" } = statusFor(error, "", silentLog(clock));
    return c.text(message, code as 400);
  });
  return { clock, answer: Promise.resolve(app.request(`/${query}`)) };
}

for (
  const [query, code, text] of [
    ["", 200, "done"],
    ["?timeoutSeconds=1", 200, "done"],
    ["?timeout=0s", 200, "done"],
    ["?timeout=6s", 200, "done"],
    ["?timeout=4s", 504, "Timeout: request did not complete within the allotted timeout"],
    [
      "?timeout=x",
      400,
      'invalid timeout specified in the request URL - time: invalid duration "x"',
    ],
    [
      "?timeout=5",
      400,
      'invalid timeout specified in the request URL - time: missing unit in duration "5"',
    ],
  ] as const
) {
  Deno.test(`a request with "${query}" that takes 5 s gets ${code}`, async () => {
    const { clock, answer } = asked(query);
    await undefined;
    await clock.advance(5_000);
    const response = await answer;
    assert.equal(response.status, code);
    assert.equal(await response.text(), text);
  });
}
