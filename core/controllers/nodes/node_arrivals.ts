import type { Notice } from "../../client/event_recorder.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Loop, plan, recordEvent } from "../runtime/controller.ts";

/**
 * Says of nodes that they have come or gone. Those that were there when the server started are known: their event is that
 * of their registration, and ten thousand nodes are no news.
 *
 * Kubernetes: `pkg/controller/nodelifecycle`, `monitorNodeHealth`.
 */
export const nodeArrivals: Loop = {
  name: "node-controller",
  workers: 1,
  start(view, add) {
    const known = new Set(view.list(nodes).map(({ metadata: { uid } }) => uid));
    const news = new Map<string, Notice>();
    const tell = (notice: Notice) => {
      const key = `${notice.reason} ${notice.about.metadata.uid}`;
      news.set(key, notice);
      add(key);
    };
    const stop = view.subscribe(nodes, ({ type, object }) => {
      const { uid } = object.metadata;
      if (type === "DELETED") {
        known.delete(uid);
        tell(removing(object));
      } else if (!known.has(uid)) {
        known.add(uid);
        tell(registered(object));
      }
    });
    return {
      reconcile(key) {
        const notice = news.get(key);
        news.delete(key);
        return plan(notice ? [recordEvent(notice)] : []);
      },
      stop,
    };
  },
};

function registered(node: Node): Notice {
  return noticeOf(node, "RegisteredNode", `Registered Node ${node.metadata.name} in Controller`);
}

function removing(node: Node): Notice {
  return noticeOf(node, "RemovingNode", `Removing Node ${node.metadata.name} from Controller`);
}

function noticeOf(about: Node, reason: string, event: string): Notice {
  const message = `Node ${about.metadata.name} event: ${event}`;
  return { about, type: "Normal", reason, message };
}
