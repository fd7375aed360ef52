import assert from "node:assert/strict";
import { signature } from "./aws_signature.ts";

Deno.test("a request is signed as in the examples of AWS", () => {
  const credentials = { id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
  const options = {
    service: "service",
    region: "us-east-1",
    credentials,
    nowMs: Date.parse("2015-08-30T12:36:00Z"),
  };
  // aws-sig-v4-test-suite: get-vanilla, get-vanilla-query-order-key-case, post-vanilla
  const rows: [method: string, path: string, signature: string][] = [
    ["GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
    [
      "GET",
      "/?Param2=value2&Param1=value1",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ],
    ["POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
  ];
  for (const [method, path, expected] of rows) {
    const url = new URL(`https://example.amazonaws.com${path}`);
    const headers = new Map(signature({ method, url, body: "" }, options));
    assert.equal(headers.get("x-amz-date"), "20150830T123600Z");
    assert.equal(
      headers.get("Authorization"),
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
        `SignedHeaders=host;x-amz-date, Signature=${expected}`,
    );
  }
});
