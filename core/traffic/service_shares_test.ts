import assert from "node:assert/strict";
import type { Service } from "../resources/core/services/services.ts";
import { SHARES, sharesOf, sharesText } from "./service_shares.ts";

function read(text?: string) {
  const annotations = text === undefined ? {} : { annotations: { [SHARES]: text } };
  return sharesOf({ metadata: { name: "web", ...annotations } } as unknown as Service);
}

Deno.test("shares are read as they are written", () => {
  const shares = [{ service: "web-stable", weight: 80 }, { service: "web-canary", weight: 20 }];
  assert.deepEqual(read("web-stable=80, web-canary=20"), { shares });
  assert.deepEqual(read(sharesText(shares)), { shares });
  assert.equal(read(), undefined);
});

Deno.test("what is wrong with shares is told, and none of them is followed", () => {
  for (
    const [text, why] of [
      ["", '"" is not of the form "service=weight"'],
      ["web", '"web" is not of the form "service=weight"'],
      ["other/web=1", '"other/web=1" is not of the form "service=weight"'],
      ["a=-1", '"a=-1" is not of the form "service=weight"'],
      ["a=1.5", '"a=1.5" is not of the form "service=weight"'],
      ["a=1000001", "a weight is above 1000000"],
      ["a=1,a=2", '"a" is twice in it'],
      ["a=0,b=0", "no weight is above 0"],
      [Array.from({ length: 17 }, (_, i) => `a${i}=1`).join(","), "it has more than 16 shares"],
    ] as const
  ) {
    assert.deepEqual(read(text), { fault: `annotation ${SHARES} is not followed: ${why}` }, text);
  }
  assert.ok("shares" in read("a=1000000,b=0")!);
});
