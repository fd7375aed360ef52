import { parseJson } from "../../lib/json/json_text.ts";
import { runAtOnce } from "../../lib/steps.ts";
import { PROTOBUF_TYPE, protobufDecoder } from "../http/protobuf.ts";
import { JSON_VALUES_MAX, NESTING_MAX } from "../http/request_body.ts";
import { type Body, type Documents, eventOf, type Observation } from "./event.ts";

const LIMITS = { depthMax: NESTING_MAX, valuesMax: JSON_VALUES_MAX };

/** The line of the log for what was seen. What cannot be read of a body is left out. */
export async function auditLine(seen: Observation): Promise<string> {
  const { request, response } = seen;
  const documents: Documents = {
    ...(request && { request: await readOrNothing(() => sentDocument(request)) }),
    ...(response && { response: await readOrNothing(() => answeredDocument(response)) }),
  };
  return `${JSON.stringify(eventOf(seen, documents))}\n`;
}

async function readOrNothing(read: () => unknown): Promise<unknown> {
  try {
    return await read();
  } catch {
    return undefined; // the client has been told why it cannot be read
  }
}

async function sentDocument({ type, bytes }: Body): Promise<unknown> {
  if (!bytes?.length) return undefined;
  if (type === PROTOBUF_TYPE) return (await protobufDecoder()).decode(bytes);
  return type.endsWith("yaml") ? await yamlDocument(bytes) : parseJson(bytes, LIMITS);
}

/** Answers are ours: JSON needs no limits. */
async function answeredDocument({ type, bytes }: Body): Promise<unknown> {
  if (!bytes?.length) return undefined;
  if (type === "application/yaml") return await yamlDocument(bytes);
  return type === "application/json" ? JSON.parse(new TextDecoder().decode(bytes)) : undefined;
}

async function yamlDocument(bytes: Uint8Array): Promise<unknown> {
  const { objectFromYaml } = await import("../../manifest/manifest.ts");
  return runAtOnce(objectFromYaml(bytes, { depthMax: NESTING_MAX }));
}
