import type { AnyResource, KubeObject } from "../resources/resource.ts";
import type { View, ViewEvent } from "./client.ts";

/** What a view showed at some time, to be shown again by a process that cannot reach the server yet. */
export interface SavedView {
  /** How far the server's changes are in it: any JSON, which only the view understands. Never ahead of the objects. */
  readonly position: unknown;
  /** Whole, with `apiVersion` and `kind`. */
  readonly objects: readonly KubeObject[];
}

/** A view of a server elsewhere that can go on from what an earlier process has seen. */
export interface KeptView extends View {
  /**
   * Shows these objects, and goes on from their position; what the view does not follow is left out. Nobody is told of
   * them. Called before the view starts, which then waits for no server.
   */
  restore(saved: SavedView): void;
  /** How far the server's changes are in what it shows; never ahead of it: what comes after it may have been told already. */
  position(): unknown;
  /** Calls `listener` after each change of any kind, in order, once the view shows it. Returns the stop. */
  onChange(listener: (resource: AnyResource, event: ViewEvent) => void): () => void;
}
