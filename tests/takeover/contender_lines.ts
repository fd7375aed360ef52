import type { KubeObject } from "../../core/resources/resource.ts";
import type { Revision } from "../../core/store/store.ts";
import type { Line } from "../crash/writer_lines.ts";

/** The output of a contender, one JSON text a line. */
export type ContenderLine =
  | Line
  /** It follows an owner. */
  | { standsBy: Revision }
  /** It has won: one line for each object that it then shows, before `ready`. */
  | { object: KubeObject; revision: Revision };
