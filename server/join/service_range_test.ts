import assert from "node:assert/strict";
import { LinkError } from "../../core/client/link_error.ts";
import { forgetServiceRange, serviceRangeOf } from "./service_range.ts";

Deno.test("the range of Services is asked for once, and known without a server from then on", async () => {
  const folder = await Deno.makeTempDir();
  let answers: (() => unknown)[] = [];
  const link = { ask: () => Promise.try(() => answers.shift()!()) };
  const cut = () => {
    throw new LinkError("cut");
  };
  const saying = (data?: Record<string, string>) => () => ({ data });
  answers = [cut, saying(), saying({ "service-cidr": "nonsense" })];
  for (const _ of [1, 2, 3]) assert.equal(await serviceRangeOf(link, folder), undefined);
  answers = [saying({ "service-cidr": "10.81.0.0/16" })];
  assert.equal(await serviceRangeOf(link, folder), "10.81.0.0/16");
  assert.equal(await serviceRangeOf(link, folder), "10.81.0.0/16");
  await forgetServiceRange(folder);
  answers = [saying({ "service-cidr": "10.82.0.0/16" })];
  assert.equal(await serviceRangeOf(link, folder), "10.82.0.0/16");
});
