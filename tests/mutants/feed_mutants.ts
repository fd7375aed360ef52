import type { Mutant } from "./mutants.ts";

const FEED_TESTS = ["core/api/watch/feed"];
const RIGHTS_TESTS = ["core/api/access/nodes", "core/api/access/node_access_test.ts"];

/** Planted bugs in what nodes may read, and in the feeds by which they follow it. */
export const FEED_MUTANTS: readonly Mutant[] = [
  {
    name: "a node reads what pods of other nodes refer to",
    file: "core/api/access/nodes/node_relations.ts",
    search:
      'return view.by(pods, "node", node).filter(({ metadata }) => metadata.namespace === namespace);',
    replace: "return view.list(pods, namespace);",
    tests: RIGHTS_TESTS,
  },
  {
    name: "a node reads objects of the same name in other namespaces",
    file: "core/api/access/nodes/node_relations.ts",
    search: ".filter(({ metadata }) => metadata.namespace === namespace)",
    replace: ".filter(({ metadata }) => metadata.namespace !== undefined || namespace)",
    tests: RIGHTS_TESTS,
  },
  {
    name: "a node makes mirror pods to read what they refer to",
    file: "core/api/access/nodes/pod_references.ts",
    search: "if (isMirrorPod(pod)) return NONE;",
    replace: "",
    tests: RIGHTS_TESTS,
  },
  {
    name: "a list of all Secrets of a namespace is allowed",
    file: "core/api/access/nodes/node_rights.ts",
    search: 'if (name === undefined) return refusal("No Object name found");',
    replace: "if (name === undefined) return ALLOW;",
    tests: RIGHTS_TESTS,
  },
  {
    name: "a node takes over the events of others",
    file: "core/api/access/nodes/event_restriction.ts",
    search: "[next, ...(previous ? [previous] : [])]",
    replace: "[next]",
    tests: RIGHTS_TESTS,
  },
  {
    name: "what a pod refers to comes after it, or never",
    file: "core/api/watch/feed/node_feeds.ts",
    search: "this.#tellAll(changes?.come);",
    replace: "",
    tests: FEED_TESTS,
  },
  {
    name: "what no pod refers to any more is still told",
    file: "core/api/watch/feed/node_feeds.ts",
    search: 'this.#indexOne(follower, `${name} ${key}`, "delete");',
    replace: "",
    tests: FEED_TESTS,
  },
  {
    name: "what no pod refers to any more stays on the node",
    file: "core/api/watch/feed/node_feeds.ts",
    search: "this.#tellAll(this.#relate(before).gone);",
    replace: "this.#relate(before);",
    tests: FEED_TESTS,
  },
  {
    name: "the Secret of a volume that comes after its pod is never told",
    file: "core/api/watch/feed/node_feeds.ts",
    search: 'if (name !== "persistentvolumes") return;',
    replace: 'if (name !== "PersistentVolume") return;',
    tests: FEED_TESTS,
  },
  {
    name: "a node is told of itself what others may know",
    file: "core/api/watch/feed/feed_objects.ts",
    search: "kind.follows.nodeOf(entry.object) !== node",
    replace: "kind.follows.nodeOf(entry.object) !== undefined",
    tests: FEED_TESTS,
  },
  {
    name: "everybody is told each heartbeat of each node",
    file: "core/api/watch/feed/node_feeds.ts",
    search:
      "if (previous && this.#objects.trimmed(kind, previous).digest === shown.digest) return;",
    replace: "",
    tests: FEED_TESTS,
  },
  {
    name: "a change while a first state is on its way is lost",
    file: "core/api/watch/feed/follower.ts",
    search: "      this.#waiting.set(about, bytes);",
    replace: "      if (this.#waiting.size > 0) this.#waiting.set(about, bytes);",
    tests: FEED_TESTS,
  },
  {
    name: "whoever has seen a revision is thought to have all that it refers to",
    file: "core/api/watch/feed/first_state.ts",
    search: 'return !("related" in follows) && !("isTold" in follows);',
    replace: "return follows !== undefined;",
    tests: FEED_TESTS,
  },
  {
    name: "a revision of another history counts",
    file: "core/api/watch/feed/first_state.ts",
    search: "since?.epoch === epoch ? since.revision : 0",
    replace: "since ? since.revision + Number(epoch.length < 0) : 0",
    tests: FEED_TESTS,
  },
  {
    name: "what was deleted while a node was away stays there",
    file: "core/client/feed/feed_reader.ts",
    search:
      'for (const line of lines) if (line.type === "GROUP") this.#removeOthers(line, revision);',
    replace: "",
    tests: ["core/client/feed/feed_reader_test.ts"],
  },
  {
    name: "two objects of one version are thought to be the same",
    file: "core/client/mirrored_kind.ts",
    search:
      "known.metadata.resourceVersion === object.metadata.resourceVersion &&\n    isEqual(known, object)",
    replace: "known.metadata.resourceVersion === object.metadata.resourceVersion",
    tests: FEED_TESTS,
  },
  {
    name: "what adds up of all nodes is not changed with them",
    file: "core/api/watch/feed/node_feeds.ts",
    search: "    this.#objects.note(kind, event);\n",
    replace: "",
    tests: FEED_TESTS,
  },
  {
    name: "the older of two connections of a node stays",
    file: "core/api/watch/feed/node_feeds.ts",
    search: "    this.#followers.get(node)?.stream.destroy();\n",
    replace: "",
    tests: FEED_TESTS,
  },
  {
    name: "a server without feeds is never asked again",
    file: "core/client/feed/node_mirror.ts",
    search: "await clock.sleep(OLD_SERVER_MS, either)",
    replace: "await clock.sleep(OLD_SERVER_MS * 100, signal)",
    tests: FEED_TESTS,
  },
];
