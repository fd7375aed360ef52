import type { Mutant } from "./mutants.ts";

const FILES = ["agent/checkpoint/checkpoint_test.ts"];
const OBJECTS = ["agent/checkpoint/kept_objects_test.ts"];
const TOKENS = ["agent/volumes/pod_tokens_test.ts", "agent/checkpoint/checkpoint_tokens_test.ts"];
const STATUSES = ["agent/pods/status_writer_test.ts"];
const OWN_ENDPOINTS = ["core/traffic/own_endpoints_test.ts"];
const EVENTS = ["core/client/event_recorder_test.ts"];

/** Planted bugs in what a node keeps to start without its server, and in what it tells afterwards. */
export const ALONE_MUTANTS: readonly Mutant[] = [
  {
    name: "half a state: a frame counts whatever its checksum says",
    file: "agent/checkpoint/checkpoint_frames.ts",
    search: "if (view.getUint32(at + 4) !== checksumOf(frame)) break;",
    replace: "",
    tests: FILES,
  },
  {
    name: "a gap: what follows a write that was cut off is appended after it",
    file: "agent/checkpoint/checkpoint_files.ts",
    search: "file: { name, firstBytes, wholeBytes }",
    replace: "file: { name, firstBytes, wholeBytes: bytes.length }",
    tests: FILES,
  },
  {
    name: "no way back: the older file goes as soon as there is a newer one",
    file: "agent/checkpoint/checkpoint.ts",
    search: "if (old !== name && old !== before?.name) await disk.remove(old);",
    replace: "if (old !== name) await disk.remove(old);",
    tests: FILES,
  },
  {
    name: "a shrine: a damaged newest file is tried first for ever",
    file: "agent/checkpoint/checkpoint.ts",
    search: "if (file === undefined || file.generation < this.#generation)",
    replace: "if (file === undefined)",
    tests: FILES,
  },
  {
    name: "restless: what changes by itself is written each time",
    file: "agent/checkpoint/kept_objects.ts",
    search: "const isUrgent = before === undefined || !isVolatileChange(before, object);",
    replace: "const isUrgent = true;",
    tests: OBJECTS,
  },
  {
    name:
      "out of reach: what changed by itself is never written, though the position has passed it",
    file: "agent/checkpoint/kept_objects.ts",
    search: "  checkpoint.put(key, withoutManagers(object), { isUrgent });",
    replace: "  if (isUrgent) checkpoint.put(key, withoutManagers(object), { isUrgent });",
    tests: OBJECTS,
  },
  {
    name: "open secrets: tokens are kept in the clear",
    file: "agent/checkpoint/own_kinds.ts",
    search: "export const OWN_SECRETS: readonly string[] = [OWN_KINDS.tokens];",
    replace: "export const OWN_SECRETS: readonly string[] = [];",
    tests: TOKENS,
  },
  {
    name: "a stale key: a token that has ended is used until its next renewal is due",
    file: "agent/volumes/pod_tokens.ts",
    search: "if (!isOver && !isDue(known, nowMs)) return known.token;",
    replace: "if (known && !isDue(known, nowMs)) return known.token;",
    tests: TOKENS,
  },
  {
    name: "told too late: a finished pod runs again, because nobody kept that it had finished",
    file: "agent/pods/status_writer.ts",
    search: "if (this.#unreported !== undefined) this.#keep();",
    replace: "",
    tests: STATUSES,
  },
  {
    name: "never told: what is kept of a pod counts as known to the server",
    file: "agent/pods/status_writer.ts",
    search: "const pod = this.#known(shown);",
    replace: "const pod = this.withLastWritten(shown);",
    tests: STATUSES,
  },
  {
    name: "false witness: events of the time alone are dated when they are told",
    file: "core/client/event_recorder.ts",
    search: "    firstTimestamp: timestamp(firstMs),",
    replace: "    firstTimestamp: timestamp(lastMs),",
    tests: EVENTS,
  },
  {
    name: "deaf to itself: of its own pods a node believes what the server said last",
    file: "core/traffic/own_endpoints.ts",
    search: "this.#unreported?.get(uid) ?? this.#reported.get(uid) ?? status",
    replace: "status",
    tests: OWN_ENDPOINTS,
  },
  {
    name: "hasty: what was just reported counts for nothing until the view shows it",
    file: "core/traffic/own_endpoints.ts",
    search: "?? this.#reported.get(uid) ?? status",
    replace: "?? status",
    tests: OWN_ENDPOINTS,
  },
  {
    name: "restless: a node writes the names that an image has lost each time",
    file: "agent/node/node_status.ts",
    search: "...(names.length > 0 && { names: names.slice(0, NAMES_MAX) }),",
    replace: "names: names.slice(0, NAMES_MAX),",
    tests: ["agent/node/node_status_test.ts"],
  },
];
