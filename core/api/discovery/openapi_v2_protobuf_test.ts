import assert from "node:assert/strict";
import protobuf from "protobufjs/minimal.js";
import { openapiV2Protobuf } from "./openapi_v2_protobuf.ts";

/** In the order of the fields' numbers, as gnostic writes them. */
const DOCUMENT = {
  "swagger": "2.0",
  "info": { "title": "K", "version": "v1" },
  "paths": {
    "/apis/x/{name}": {
      "get": {
        "description": "Reads.",
        "operationId": "read",
        "produces": ["application/json"],
        "consumes": ["*/*"],
        "parameters": [
          { "required": true, "in": "path", "name": "name", "type": "string", "uniqueItems": true },
          { "in": "query", "name": "limit", "type": "integer", "maximum": 500 },
          {
            "in": "header",
            "description": "Which.",
            "name": "if-match",
            "type": "array",
            "items": { "type": "string" },
          },
          {
            "name": "body",
            "in": "body",
            "required": true,
            "schema": { "$ref": "#/definitions/X" },
          },
        ],
        "responses": { "200": { "description": "OK", "schema": { "$ref": "#/definitions/X" } } },
        "x-order": 7,
      },
      "parameters": [{ "$ref": "#/parameters/p" }],
    },
  },
  "definitions": {
    "X": {
      "description": "X is one.",
      "multipleOf": 0.5,
      "maximum": -2,
      "exclusiveMaximum": true,
      "minimum": 1.5,
      "maxLength": 9007199254740991,
      "pattern": "^é$",
      "minItems": 3,
      "uniqueItems": true,
      "required": ["a", "b"],
      "enum": [1, 2.5],
      "additionalProperties": false,
      "type": ["object"],
      "properties": {
        "a": {
          "additionalProperties": { "format": "int32", "type": ["integer"] },
          "type": ["object"],
        },
        "b": {
          "type": ["array"],
          "items": { "$ref": "#/definitions/X" },
          "allOf": [{ "type": ["string"] }],
        },
        "c": { "additionalProperties": true, "readOnly": true, "format": "" },
      },
      "x-known": true,
    },
  },
};
/** What gnostic v0.7.0 makes of it: ParseDocument, then Marshal of Go's protobuf. */
const GNOSTIC =
  "CgMyLjASBwoBSxICdjFCrAISqQIKDi9hcGlzL3gve25hbWV9EpYCEv8BGgZSZWFkcy4qBHJlYWQyEGFwcGxpY2F0aW" +
  "9uL2pzb246AyovKkIfCh0SGyIZCAESBHBhdGgiBG5hbWUqBnN0cmluZ5gBAUImCiQSIhogEgVxdWVyeSIFbGltaXQy" +
  "B2ludGVnZXJZAAAAAABAf0BCMQovEi0KKxIGaGVhZGVyGgZXaGljaC4iCGlmLW1hdGNoKgVhcnJheToICgZzdHJpbm" +
  "dCJQojCiESBGJvZHkaBGJvZHkgASoRCg8jL2RlZmluaXRpb25zL1hKJAoiCgMyMDASGwoZCgJPSxITChEKDyMvZGVm" +
  "aW5pdGlvbnMvWGoPCgd4LW9yZGVyEgQSAjcKShISEAoOIy9wYXJhbWV0ZXJzL3BK8wEK8AEKAVgS6gEiCVggaXMgb2" +
  "5lLjEAAAAAAADgPzkAAAAAAAAAwEABSQAAAAAAAPg/WP////////8PagRew6kkeAOAAQGaAQFhmgEBYqIBBBICMQqi" +
  "AQYSBDIuNQqqAQIQALIBCAoGb2JqZWN0ygFuCigKAWESI6oBFQoTEgVpbnQzMrIBCQoHaW50ZWdlcrIBCAoGb2JqZW" +
  "N0CjMKAWISLrIBBwoFYXJyYXm6ARMKEQoPIy9kZWZpbml0aW9ucy9YwgELsgEICgZzdHJpbmcKDQoBYxIIqgECEAHY" +
  "AQH6ARIKB3gta25vd24SBxIFdHJ1ZQo=";

Deno.test("an OpenAPI v2 document in protobuf is what gnostic makes of it, byte for byte", () => {
  const bytes = openapiV2Protobuf(DOCUMENT, protobuf.Writer.create());
  assert.equal(new Uint8Array(bytes).toBase64(), GNOSTIC);
});

Deno.test("texts among the extensions are YAML, and what the messages do not have is left out", () => {
  const document = { definitions: { X: { "x-kubernetes-list-type": "map", nullable: true } } };
  const bytes = openapiV2Protobuf(document, protobuf.Writer.create());
  const text = new TextDecoder().decode(bytes);
  assert.match(text, /x-kubernetes-list-type.*"map"\n$/s);
  assert.equal(text.includes("nullable"), false);
});
