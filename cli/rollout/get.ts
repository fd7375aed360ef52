import { type Clock, SystemClock } from "../../core/lib/clock.ts";
import { CommandError } from "../../server/command_error.ts";
import type { Terminal } from "../../server/terminal.ts";
import { Board } from "./board.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { MeasuredSplit } from "./measured_split.ts";
import { experimentPage, rolloutPage } from "./pages/page.ts";
import { Screen } from "./pages/screen.ts";
import { isWithin } from "./time_limit.ts";
import type { Style } from "./pages/styled_text.ts";

/** At most this often a page is drawn anew. */
const FRAME_MS = 200;
/** Ages go on also while nothing changes. */
const TICK_MS = 1_000;

export interface GetOptions {
  name: string;
  kind: "rollout" | "experiment";
  watch: boolean;
  /** Of the watch, in milliseconds; absent: until interrupted. */
  timeoutMs?: number;
  output?: "json";
  colours: boolean;
}

/** One state of what is shown: as a page for people, as an object for programs. */
interface Shown {
  page(nowMs: number, style: Style): string[];
  info: object;
}

/** Shows a rollout or an experiment once or, with `watch`, at each change until the terminal's signal aborts. */
export async function getRollout(
  cluster: Cluster,
  options: GetOptions,
  terminal: Terminal,
  clock: Clock = new SystemClock(),
): Promise<void> {
  const board = new Board(cluster);
  await board.list();
  const first = await shownOf(board, options);
  const show = printer(options, terminal, clock);
  if (!options.watch) return show(first);
  if (options.output === undefined && terminal.interactive) {
    await showLive(board, options, { terminal, clock, split: new MeasuredSplit(cluster, clock) });
  } else await printChanges(board, options, terminal, clock);
}

async function shownOf(
  board: Board,
  { kind, name }: GetOptions,
  split?: MeasuredSplit,
): Promise<Shown> {
  if (kind === "experiment") {
    const info = board.experiment(name);
    return { info, page: (nowMs, style) => experimentPage(info, nowMs, style) };
  }
  const info = await board.rollout(name, split);
  return { info, page: (nowMs, style) => rolloutPage(info, nowMs, style) };
}

function printer(
  { output, colours, watch }: GetOptions,
  terminal: Terminal,
  clock: Clock,
): (shown: Shown) => void {
  let printed = "";
  return ({ info, page }) => {
    // In a watch each state is one line of JSON.
    const text = output === "json"
      ? JSON.stringify(info, undefined, watch ? undefined : 2)
      : page(clock.now(), { colours }).join("\n");
    const sameAs = output === "json" ? text : JSON.stringify(info); // ages alone are no change
    if (sameAs === printed) return;
    const gap = printed !== "" && output === undefined ? "\n" : "";
    printed = sameAs;
    terminal.out(`${gap}${text}\n`);
  };
}

/** Page after page, or line after line, for a pipe. */
async function printChanges(
  board: Board,
  options: GetOptions,
  terminal: Terminal,
  clock: Clock,
): Promise<void> {
  const show = printer(options, terminal, clock);
  await eachState(board, options, { terminal, clock, show });
}

/** In one place of the screen; ages go on, and another size of the terminal is followed. */
async function showLive(
  board: Board,
  options: GetOptions,
  { terminal, clock, split }: Pick<Showing, "terminal" | "clock" | "split">,
): Promise<void> {
  using screen = new Screen(terminal);
  const stop = terminal.onResize?.(() => screen.redraw());
  const show = ({ page }: Shown) => screen.draw(page(clock.now(), options));
  try {
    await eachState(board, options, { terminal, clock, split, show, tickMs: TICK_MS });
  } finally {
    stop?.();
  }
}

interface Showing {
  terminal: Terminal;
  clock: Clock;
  show(shown: Shown): void;
  /** What is measured meanwhile; absent: nothing. */
  split?: MeasuredSplit | undefined;
  /** Show also when nothing has changed for so long. */
  tickMs?: number;
}

/** Shows the state now and after changes, until the watch is over: interrupted, out of time, or the object deleted. */
async function eachState(
  board: Board,
  options: GetOptions,
  { terminal, clock, show, split, tickMs = Infinity }: Showing,
): Promise<void> {
  await isWithin(options.timeoutMs, { clock, signal: terminal.signal }, async (signal) => {
    let wake = () => {};
    let isDirty = true;
    const following = board.follow(
      () => {
        isDirty = true;
        wake();
      },
      clock,
      signal,
    );
    const failed = following.then(() => undefined, (error) => error);
    while (!signal.aborted) {
      isDirty = false;
      show(await shownOf(board, options, split));
      await clock.sleep(FRAME_MS, signal).catch(() => {}); // rejects only when the signal aborts
      if (isDirty) continue;
      const changed = new Promise<undefined>((resolve) => wake = () => resolve(undefined));
      const ticked = clock.sleep(tickMs, signal).then(() => undefined, () => undefined);
      const error = await Promise.race([changed, ticked, failed]);
      if (error) throw error instanceof Error ? error : new CommandError(String(error));
    }
  });
}
