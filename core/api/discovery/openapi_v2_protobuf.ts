import type { Writer } from "protobufjs/minimal.js";

type Json = Record<string, unknown>;
/** Writes the field of a message with this number. */
type Write = (writer: Writer, field: number, value: unknown) => void;
/** The fields of a message by their names in JSON. */
type Fields = Readonly<Record<string, readonly [field: number, write: Write]>>;

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const EXTENSION_PREFIX = "x-";

/**
 * An OpenAPI v2 document as clients in Go read it: as the message `Document` of gnostic.
 * Source: https://github.com/google/gnostic-models/blob/main/openapiv2/OpenAPIv2.proto
 */
export function openapiV2Protobuf(document: unknown, writer: Writer): Uint8Array {
  writeFields(writer, DOCUMENT, document as Json);
  return writer.finish();
}

function writeFields(writer: Writer, { fields, extensions }: Message, value: Json): void {
  for (const [name, one] of Object.entries(value)) {
    const known = fields[name];
    if (known) known[1](writer, known[0], one);
    else if (extensions !== undefined && name.startsWith(EXTENSION_PREFIX)) {
      writeNamed(writer, extensions, name, one, writeAny);
    }
  }
}

interface Message {
  fields: Fields;
  /** The field of what begins with `x-`. */
  extensions?: number;
}

/** A message, whose declaration may refer to itself. */
function message(of: () => Message): Write {
  return (writer, field, value) =>
    nested(writer, field, () => writeFields(writer, of(), value as Json));
}

function nested(writer: Writer, field: number, write: () => void): void {
  writer.uint32(field << 3 | BYTES).fork();
  write();
  writer.ldelim();
}

/** A message that has this field alone. */
function wrapped(inner: number, write: Write): Write {
  return (writer, field, value) => nested(writer, field, () => write(writer, inner, value));
}

function list(write: Write): Write {
  return (writer, field, values) => {
    for (const value of [values].flat()) write(writer, field, value);
  };
}

/** A message whose one field lists the entries of an object. */
function entries(write: Write): Write {
  return (writer, field, value) => {
    return nested(writer, field, () => {
      for (const [name, one] of Object.entries(value as Json)) {
        writeNamed(writer, 1, name, one, write);
      }
    });
  };
}

function writeNamed(
  writer: Writer,
  field: number,
  name: string,
  value: unknown,
  write: Write,
): void {
  return nested(writer, field, () => {
    writeText(writer, 1, name);
    write(writer, 2, value);
  });
}

/** Zero values are left out, as everywhere in proto3. */
function writeText(writer: Writer, field: number, value: unknown): void {
  if (value !== "") writer.uint32(field << 3 | BYTES).string(value as string);
}

function writeFlag(writer: Writer, field: number, value: unknown): void {
  if (value) writer.uint32(field << 3 | VARINT).bool(true);
}

function writeWhole(writer: Writer, field: number, value: unknown): void {
  if (value !== 0) writer.uint32(field << 3 | VARINT).int64(value as number);
}

function writeReal(writer: Writer, field: number, value: unknown): void {
  if (value !== 0) writer.uint32(field << 3 | FIXED_64).double(value as number);
}

/** As YAML, which JSON is. */
function writeAny(writer: Writer, field: number, value: unknown): void {
  nested(writer, field, () => writeText(writer, 2, `${JSON.stringify(value)}\n`));
}

/** A schema, or whether there may be more. */
function writeAdditional(writer: Writer, field: number, value: unknown): void {
  return nested(writer, field, () => {
    // A field of a `oneof` is there also when it is false.
    if (typeof value === "boolean") writer.uint32(2 << 3 | VARINT).bool(value);
    else writeSchema(writer, 1, value);
  });
}

function writeParameter(writer: Writer, field: number, value: unknown): void {
  const parameter = value as Json;
  const place = PARAMETER_PLACES[String(parameter["in"])];
  if (parameter["$ref"] !== undefined) {
    return nested(writer, field, () => writeReference(writer, 2, parameter));
  }
  const write = place === undefined ? writeBody : wrapped(place[0], place[1]);
  const choice = place === undefined ? 1 : 2;
  nested(writer, field, () => nested(writer, 1, () => write(writer, choice, parameter)));
}

const BODY: Message = {
  fields: {
    description: [1, writeText],
    name: [2, writeText],
    in: [3, writeText],
    required: [4, writeFlag],
    schema: [5, (...args) => writeSchema(...args)],
  },
  extensions: 6,
};
const writeBody = message(() => BODY);
const writeReference = message(() => ({
  fields: { $ref: [1, writeText], description: [2, writeText] },
}));

/** The restrictions of a value, numbered from `first` on. */
function restrictions(first: number): Fields {
  const words: readonly (readonly [string, Write])[] = [
    ["default", writeAny],
    ["maximum", writeReal],
    ["exclusiveMaximum", writeFlag],
    ["minimum", writeReal],
    ["exclusiveMinimum", writeFlag],
    ["maxLength", writeWhole],
    ["minLength", writeWhole],
    ["pattern", writeText],
    ["maxItems", writeWhole],
    ["minItems", writeWhole],
    ["uniqueItems", writeFlag],
    ["enum", list(writeAny)],
    ["multipleOf", writeReal],
  ];
  return Object.fromEntries(words.map(([word, write], at) => [word, [first + at, write]]));
}

/** A parameter that is no body. `first`: the field of its type. */
function plainParameter(first: number): Message {
  return {
    fields: {
      required: [1, writeFlag],
      in: [2, writeText],
      description: [3, writeText],
      name: [4, writeText],
      ...(first > 5 ? { allowEmptyValue: [5, writeFlag] as const } : {}),
      type: [first, writeText],
      format: [first + 1, writeText],
      items: [first + 2, writeItems],
      collectionFormat: [first + 3, writeText],
      ...restrictions(first + 4),
    },
    extensions: first + 17,
  };
}

const ITEMS: Message = {
  fields: {
    type: [1, writeText],
    format: [2, writeText],
    items: [3, (...args) => writeItems(...args)],
    collectionFormat: [4, writeText],
    ...restrictions(5),
  },
  extensions: 18,
};
function writeItems(writer: Writer, field: number, value: unknown): void {
  nested(writer, field, () => writeFields(writer, ITEMS, value as Json));
}

const PARAMETER_PLACES: Readonly<Record<string, readonly [number, Write]>> = {
  header: [1, message(() => plainParameter(5))],
  formData: [2, message(() => plainParameter(6))],
  query: [3, message(() => QUERY)],
  path: [4, message(() => PATH)],
};
const QUERY = plainParameter(6);
const PATH = plainParameter(5);

function writeSchema(writer: Writer, field: number, value: unknown): void {
  nested(writer, field, () => writeFields(writer, SCHEMA, value as Json));
}

const SCHEMA: Message = {
  fields: {
    $ref: [1, writeText],
    format: [2, writeText],
    title: [3, writeText],
    description: [4, writeText],
    default: [5, writeAny],
    multipleOf: [6, writeReal],
    maximum: [7, writeReal],
    exclusiveMaximum: [8, writeFlag],
    minimum: [9, writeReal],
    exclusiveMinimum: [10, writeFlag],
    maxLength: [11, writeWhole],
    minLength: [12, writeWhole],
    pattern: [13, writeText],
    maxItems: [14, writeWhole],
    minItems: [15, writeWhole],
    uniqueItems: [16, writeFlag],
    maxProperties: [17, writeWhole],
    minProperties: [18, writeWhole],
    required: [19, list(writeText)],
    enum: [20, list(writeAny)],
    additionalProperties: [21, writeAdditional],
    type: [22, wrapped(1, list(writeText))],
    items: [23, wrapped(1, list(writeSchema))],
    allOf: [24, list(writeSchema)],
    properties: [25, entries(writeSchema)],
    discriminator: [26, writeText],
    readOnly: [27, writeFlag],
    example: [30, writeAny],
  },
  extensions: 31,
};

const RESPONSE: Message = {
  fields: { description: [1, writeText], schema: [2, wrapped(1, writeSchema)] },
  extensions: 5,
};

/** By code. */
const writeResponses = entries(wrapped(1, message(() => RESPONSE)));

const OPERATION: Message = {
  fields: {
    tags: [1, list(writeText)],
    summary: [2, writeText],
    description: [3, writeText],
    operationId: [5, writeText],
    produces: [6, list(writeText)],
    consumes: [7, list(writeText)],
    parameters: [8, list(writeParameter)],
    responses: [9, writeResponses],
    schemes: [10, list(writeText)],
    deprecated: [11, writeFlag],
  },
  extensions: 13,
};
const writeOperation = message(() => OPERATION);

const PATH_ITEM: Message = {
  fields: {
    get: [2, writeOperation],
    put: [3, writeOperation],
    post: [4, writeOperation],
    delete: [5, writeOperation],
    options: [6, writeOperation],
    head: [7, writeOperation],
    patch: [8, writeOperation],
    parameters: [9, list(writeParameter)],
  },
  extensions: 10,
};
const writePathItem = message(() => PATH_ITEM);

/** Paths are the second field of theirs; the first one is for extensions. */
function writePaths(writer: Writer, field: number, value: unknown): void {
  return nested(writer, field, () => {
    for (const [path, item] of Object.entries(value as Json)) {
      writeNamed(writer, 2, path, item, writePathItem);
    }
  });
}

const DOCUMENT: Message = {
  fields: {
    swagger: [1, writeText],
    info: [
      2,
      message(() => ({
        fields: { title: [1, writeText], version: [2, writeText], description: [3, writeText] },
        extensions: 7,
      })),
    ],
    host: [3, writeText],
    basePath: [4, writeText],
    schemes: [5, list(writeText)],
    consumes: [6, list(writeText)],
    produces: [7, list(writeText)],
    paths: [8, writePaths],
    definitions: [9, entries(writeSchema)],
  },
  extensions: 16,
};
