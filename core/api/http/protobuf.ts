import { ApiError } from "../../client/api_error.ts";
import type { Reader } from "protobufjs/minimal.js";

/** How a field of a message appears in JSON. `nonzero`: not at all when it is zero. */
export const FieldShape = { single: 0, list: 1, map: 2, inline: 3, nonzero: 4 } as const;
export type FieldDescriptor = [
  number: number,
  name: string,
  /** `string`, `int32` and so on, or the name of a message. */
  type: string,
  shape: typeof FieldShape[keyof typeof FieldShape],
];

/** The messages that clients send. Written by `generate_protobuf_descriptor.ts`. */
export interface Descriptor {
  /** Message of a kind, e.g. `core.v1.Pod` by `v1/Pod`; by `/KIND` where the version does not matter. */
  kinds: Record<string, string>;
  messages: Record<string, FieldDescriptor[]>;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding */
export const PROTOBUF_TYPE = "application/vnd.kubernetes.protobuf";
const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const DEPTH_MAX = 64;
const decoder = new TextDecoder("utf-8", { fatal: true });

let loaded: Promise<ProtobufDecoder> | undefined;

/** Loads the decoder at its first use: most servers never see protobuf. */
export function protobufDecoder(): Promise<ProtobufDecoder> {
  return loaded ??= load();
}

async function load(): Promise<ProtobufDecoder> {
  const [{ default: descriptor }, { default: protobuf }] = await Promise.all([
    import("./protobuf_descriptor.json", { with: { type: "json" } }),
    import("protobufjs/minimal.js"),
  ]);
  // The file is made by our own generator from this very type.
  const typed = descriptor as unknown as Descriptor;
  return new ProtobufDecoder(typed, (bytes) => protobuf.Reader.create(bytes));
}

/** Turns the protobuf of an object into what JSON.parse would have given for its JSON. */
export class ProtobufDecoder {
  readonly #messages = new Map<string, Map<number, FieldDescriptor>>();

  constructor(
    readonly descriptor: Descriptor,
    readonly readerOf: (bytes: Uint8Array) => Reader,
  ) {}

  /** Throws UnsupportedMediaType for kinds that have no protobuf here, BadRequest for what cannot be read. */
  decode(bytes: Uint8Array): Record<string, unknown> {
    if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
      throw new ApiError(
        "BadRequest",
        "provided data does not appear to be a protobuf message, expected prefix 'k8s\\0'",
      );
    }
    try {
      return this.#object(bytes.subarray(MAGIC.length));
    } catch (error) {
      if (error instanceof ApiError) throw error;
      // What the wire reader throws for truncated or malformed bytes.
      throw new ApiError("BadRequest", `unable to decode protobuf: ${(error as Error).message}`);
    }
  }

  /** `runtime.Unknown`: what kind it is, and its bytes. */
  #object(bytes: Uint8Array): Record<string, unknown> {
    const envelope = this.#envelope(bytes);
    const { apiVersion = "", kind = "" } = envelope.typeMeta;
    const { kinds } = this.descriptor;
    const message = kinds[`${apiVersion}/${kind}`] ?? kinds[`/${kind}`];
    if (message === undefined) {
      throw new ApiError(
        "UnsupportedMediaType",
        `object ${kind} in version "${apiVersion}" cannot be read as ${PROTOBUF_TYPE}; send application/json`,
      );
    }
    return { apiVersion, kind, ...this.#message(message, envelope.raw, 0) };
  }

  #envelope(bytes: Uint8Array): { typeMeta: Record<string, string>; raw: Uint8Array } {
    const reader = this.readerOf(bytes);
    let raw: Uint8Array = new Uint8Array(0);
    const typeMeta: Record<string, string> = {};
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 10) readTypeMeta(this.readerOf(reader.bytes()), typeMeta);
      else if (tag === 18) raw = reader.bytes();
      else reader.skipType(tag & 7);
    }
    return { typeMeta, raw };
  }

  #message(name: string, bytes: Uint8Array, depth: number): Record<string, unknown> {
    if (depth > DEPTH_MAX) throw new ApiError("BadRequest", "exceeded max depth");
    const fields = this.#fieldsOf(name);
    const reader = this.readerOf(bytes);
    const object: Record<string, unknown> = {};
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      const field = fields.get(tag >>> 3);
      if (!field) {
        reader.skipType(tag & 7);
        continue;
      }
      this.#put(object, field, reader, { wireType: tag & 7, depth });
    }
    return object;
  }

  #put(
    object: Record<string, unknown>,
    [, name, type, shape]: FieldDescriptor,
    reader: Reader,
    at: { wireType: number; depth: number },
  ): void {
    if (shape === FieldShape.inline) {
      Object.assign(object, this.#message(type, reader.bytes(), at.depth + 1));
      return;
    }
    if (shape === FieldShape.map) {
      const [key, value] = this.#mapEntry(type, this.readerOf(reader.bytes()), at.depth);
      const map = object[name] ??= {};
      Object.defineProperty(map, key, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
      return;
    }
    const value = this.#value(type, reader, at);
    if (value === undefined || (shape === FieldShape.nonzero && !value)) return;
    if (shape !== FieldShape.list) object[name] = value;
    else (object[name] as unknown[] ?? (object[name] = [])).push(value);
  }

  #mapEntry(type: string, reader: Reader, depth: number): [string, unknown] {
    let key = "";
    let value: unknown = this.#zero(type);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 === 1) key = textOf(reader);
      else if (tag >>> 3 === 2) value = this.#value(type, reader, { wireType: tag & 7, depth });
      else reader.skipType(tag & 7);
    }
    return [key, value];
  }

  #zero(type: string): unknown {
    if (type === "string" || type === "bytes") return "";
    return type in SCALARS ? 0 : {};
  }

  #value(
    type: string,
    reader: Reader,
    { wireType, depth }: { wireType: number; depth: number },
  ): unknown {
    const scalar = SCALARS[type];
    if (scalar) {
      if (scalar.wireType !== wireType) throw new Error(`wrong wire type ${wireType} for ${type}`);
      return scalar.read(reader);
    }
    if (wireType !== 2) throw new Error(`wrong wire type ${wireType} for ${type}`);
    const message = this.#message(type, reader.bytes(), depth + 1);
    return type in SPECIAL ? SPECIAL[type]!(message) : message;
  }

  #fieldsOf(name: string): Map<number, FieldDescriptor> {
    let fields = this.#messages.get(name);
    if (!fields) {
      fields = new Map((this.descriptor.messages[name] ?? []).map((field) => [field[0], field]));
      this.#messages.set(name, fields);
    }
    return fields;
  }
}

interface Scalar {
  wireType: number;
  read(reader: Reader): unknown;
}
const SCALARS: Readonly<Record<string, Scalar>> = {
  string: { wireType: 2, read: textOf },
  bytes: { wireType: 2, read: (reader) => reader.bytes().toBase64() },
  bool: { wireType: 0, read: (reader) => reader.bool() },
  int32: { wireType: 0, read: (reader) => reader.int32() },
  int64: { wireType: 0, read: (reader) => Number(reader.int64()) },
  uint32: { wireType: 0, read: (reader) => reader.uint32() },
  double: { wireType: 1, read: (reader) => reader.double() },
};

/** Messages that are something else in JSON. */
const SPECIAL: Readonly<Record<string, (message: Record<string, unknown>) => unknown>> = {
  "meta.v1.Time": (time) => timeOf(time, 0),
  "meta.v1.MicroTime": (time) => timeOf(time, 6),
  "meta.v1.Duration": ({ duration }) => duration,
  "resource.Quantity": ({ string = "0" }) => string,
  "intstr.IntOrString": ({ type = 0, intVal = 0, strVal = "" }) => type === 0 ? intVal : strVal,
  "meta.v1.FieldsV1": ({ Raw }) => jsonOf(Raw),
  "runtime.RawExtension": ({ raw }) => jsonOf(raw),
  "apiextensions.v1.JSON": ({ raw }) => jsonOf(raw),
  "apiextensions.v1.JSONSchemaPropsOrArray": ({ schema, jSONSchemas }) => schema ?? jSONSchemas,
  "apiextensions.v1.JSONSchemaPropsOrBool": ({ allows = false, schema }) => schema ?? allows,
  "apiextensions.v1.JSONSchemaPropsOrStringArray": ({ schema, property }) => schema ?? property,
};

/** `undefined` for no time, which is an empty message. */
function timeOf(time: Record<string, unknown>, digits: number): string | undefined {
  const { seconds, nanos = 0 } = time as { seconds?: number; nanos?: number };
  if (seconds === undefined) return undefined;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (digits === 0) return `${whole}Z`;
  return `${whole}.${String(nanos).padStart(9, "0").slice(0, digits)}Z`;
}

function jsonOf(base64: unknown): unknown {
  return JSON.parse(decoder.decode(Uint8Array.fromBase64(String(base64 ?? ""))));
}

function textOf(reader: Reader): string {
  return decoder.decode(reader.bytes());
}

function readTypeMeta(reader: Reader, typeMeta: Record<string, string>): void {
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 10) typeMeta["apiVersion"] = textOf(reader);
    else if (tag === 18) typeMeta["kind"] = textOf(reader);
    else reader.skipType(tag & 7);
  }
}
