import type { Mutant } from "./mutants.ts";

const MUX = "core/lib/mux/mux.ts";
const STREAM = "core/lib/mux/open_stream.ts";
const OUTGOING = "core/lib/mux/outgoing.ts";
const TUNNELS = "core/api/tunnels/tunnels.ts";
const WINDOWS = ["core/lib/mux/mux_test.ts", "core/lib/mux/attacks_test.ts"];
const SERVER = ["core/api/tunnels/node_tunnel_test.ts"];

/** Planted bugs in the one connection between a node and the server. */
export const TUNNEL_MUTANTS: readonly Mutant[] = [
  {
    name: "tunnel: more than the window allows is taken",
    file: STREAM,
    search: "if (!this.#window.took(length)) throw",
    replace: "if (!this.#window.took(length) && length < 0) throw",
    tests: WINDOWS,
  },
  {
    name: "tunnel: credit is never given",
    file: STREAM,
    search: "    if (this.#creditToGive > 0) this.#owner.ready(this);",
    replace: "    if (this.#creditToGive > 2 ** 30) this.#owner.ready(this);",
    tests: WINDOWS,
  },
  {
    name: "tunnel: credit is given twice",
    file: STREAM,
    search: "    this.#creditToGive = 0;\n    return credit;",
    replace: "    return credit;",
    tests: WINDOWS,
  },
  {
    name: "tunnel: the end overtakes what was written before it",
    file: STREAM,
    search: 'return this.#ownEnd === "ending" && this.#outgoingBytes === 0;',
    replace: 'return this.#ownEnd === "ending";',
    tests: WINDOWS,
  },
  {
    name: "tunnel: the rest of a part that was sent in pieces is lost",
    file: STREAM,
    search: "      if (this.#outgoingAt < part.length) break;\n",
    replace: "",
    tests: WINDOWS,
  },
  {
    name: "tunnel: an end opens as many streams as it likes",
    file: MUX,
    search: "if (this.#otherOpen >= STREAMS_MAX) return this.#refuse(id);",
    replace: "",
    tests: WINDOWS,
  },
  {
    name: "tunnel: what waits for all readers is not bounded",
    file: STREAM,
    search: 'if (!this.#owner.waits(bytes.length)) this.reset("too much waits to be read");',
    replace: "this.#owner.waits(bytes.length);",
    tests: WINDOWS,
  },
  {
    name: "tunnel: endless frames are read as fast as they come",
    file: MUX,
    search: "    return this.#allowance.waitMs(this.#options.nowMs());",
    replace: "    this.#allowance.waitMs(this.#options.nowMs());\n    return 0;",
    tests: WINDOWS,
  },
  {
    name: "tunnel: bulk waits for no ping",
    file: OUTGOING,
    search: " && !this.#pace.isFull()) {",
    replace: ") {",
    tests: WINDOWS,
  },
  {
    name: "tunnel: bulk that comes in small pieces overtakes",
    file: OUTGOING,
    search: "if (stream.overtaking.bytes + bytes > OVERTAKING_BYTES_MAX) return false;",
    replace: "",
    tests: WINDOWS,
  },
  {
    name: "tunnel: every answer to a ping waits to be sent",
    file: OUTGOING,
    search: "    if (this.#pongs.length > PONGS_MAX) this.#pongs.shift();\n",
    replace: "",
    tests: WINDOWS,
  },
  {
    name: "tunnel: the older connection of a node stays beside the newer",
    file: TUNNELS,
    search: "      older?.close(DISPLACED);\n",
    replace: "      void older;\n",
    tests: SERVER,
  },
  {
    name: "tunnel: the end of the older connection removes the newer",
    file: TUNNELS,
    search: "    if (this.#open.get(node) === tunnel) {",
    replace: "    if (this.#open.has(node)) {",
    tests: SERVER,
  },
  {
    name: "tunnel: a revoked credential keeps its tunnel",
    file: TUNNELS,
    search: "  if (tunnel.isCurrent()) return false;",
    replace: "  if (tunnel.isCurrent() || tunnel.sinceMs >= 0) return false;",
    tests: SERVER,
  },
  {
    name: "tunnel: silence is no reason to think it lost",
    file: "core/client/tunnel/mux_tunnel.ts",
    search:
      "      if (leftMs <= 0) this.close(`no sign of life for ${deadMs} ms`);\n      else this.#watch(leftMs);",
    replace: "      this.#watch(Math.max(leftMs, deadMs));",
    tests: ["core/client/tunnel/mux_tunnel_test.ts"],
  },
];
