import type { Clock } from "../../lib/clock.ts";
import type { Tunnels } from "./tunnels.ts";

/** So many arrivals leave garbage worth collecting: about 40 KB each. */
const ARRIVALS_MIN = 500;
/** After a storm nobody comes for so long. */
const CALM_MS = 10_000;

/**
 * Calls `collect` when a storm of arriving tunnels is over, such as after a restart of the server: what their handshakes
 * have used would be kept for long, since an idle server allocates too little to notice. Returns the stop.
 */
export function collectAfterStorms(
  { tunnels, clock, collect }: { tunnels: Tunnels; clock: Clock; collect: () => void },
): () => void {
  let arrivals = 0;
  let cancel = () => {};
  const stop = tunnels.onChange((node) => {
    if (!tunnels.get(node) || ++arrivals < ARRIVALS_MIN) return;
    cancel();
    cancel = clock.after(CALM_MS, () => {
      arrivals = 0;
      collect();
    });
  });
  return () => {
    stop();
    cancel();
  };
}
