import type { Mutant } from "./mutants.ts";

const DECISION = ["core/controllers/cluster/node_joining_test.ts"];
const ACCESS = ["core/api/access/joining/joining_test.ts"];
const AUTHORITY = ["core/client/joining/authority_test.ts"];
const KEEPER = ["server/join/identity_keeper_test.ts"];
const TIME = ["core/client/server_time_test.ts"];
const RULES = "core/resources/certificates/node_joining.ts";

/** Planted bugs in how machines join, and in how they renew their certificates. */
export const JOIN_MUTANTS: readonly Mutant[] = [
  {
    name: "join: a token of two uses lets in three machines",
    file: RULES,
    search: "usedBy.length >= uses",
    replace: "usedBy.length > uses",
    tests: DECISION,
  },
  {
    name: "join: a token counts until just after its end",
    file: RULES,
    search: "!(expiresMs > nowMs)",
    replace: "!(expiresMs >= nowMs)",
    tests: DECISION,
  },
  {
    name: "join: a token for one node lets in any",
    file: RULES,
    search: "only !== undefined && only !== name",
    replace: 'only === ""',
    tests: DECISION,
  },
  {
    name: "join: a request that was counted before is refused when the token is used up",
    file: RULES,
    search: "  if (usedBy.includes(asked.metadata.uid)) return undefined;\n",
    replace: "",
    tests: DECISION,
  },
  {
    name: "join: machines made of one image take each other's names while both run",
    file: RULES,
    search: "!isHeardFrom || ownField",
    replace: "true || ownField",
    tests: DECISION,
  },
  {
    name: "join: a machine without an id is the same as another without one",
    file: RULES,
    search: "!machine || machine !==",
    replace: "machine !==",
    tests: DECISION,
  },
  {
    name: "join: a machine that asks twice uses the token twice",
    file: "core/controllers/cluster/node_joining.ts",
    search: "uses === undefined || usedBy.includes(uid)",
    replace: "uses === undefined",
    tests: DECISION,
  },
  {
    name: "join: the certificates of a machine that was replaced still count",
    file: "core/api/access/joining/replaced_machines.ts",
    search: "current !== undefined && current !== user.uid",
    replace: "false",
    tests: ACCESS,
  },
  {
    name: "join: a node gets a certificate of another",
    file: "core/api/access/joining/join_restriction.ts",
    search: "requestedNode(asked) === node\n",
    replace: "requestedNode(asked) !== undefined\n",
    tests: ACCESS,
  },
  {
    name: "join: a node asks for certificates of any signer",
    file: "core/api/access/joining/join_restriction.ts",
    search: "!isServing && asked.spec",
    replace: "false && asked.spec",
    tests: ACCESS,
  },
  {
    name: "join: whoever answers is believed",
    file: "core/client/joining/authority.ts",
    search: "if (hashes.includes(hash)) return pem!;",
    replace: "if (hashes.length > 0) return pem!;",
    tests: AUTHORITY,
  },
  {
    name: "join: a certificate is renewed by a clock that may be wrong",
    file: "server/join/identity_keeper.ts",
    search: "if (!time.isKnown) {",
    replace: "if (time.isKnown && failures < 0) {",
    tests: KEEPER,
  },
  {
    name: "join: the server's time jumps when somebody sets the machine's clock",
    file: "core/client/server_time.ts",
    search: ": this.#clock.elapsed() + this.#offsetMs;",
    replace: ": this.#clock.now();",
    tests: TIME,
  },
];
