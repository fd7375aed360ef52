/** The signals of Linux from 1 on, by their numbers; `undefined`: it has none that a container can be stopped by. */
const STANDARD =
  ("HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP " +
    "TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS").split(" ");
const OTHER_NAMES: readonly (readonly [string, number])[] = [["CLD", 17], ["IOT", 6], ["POLL", 29]];
/** As programs see them: glibc keeps two for itself. */
const [REALTIME_FIRST, REALTIME_LAST] = [34, 64];

/** The number of each signal that a container can be stopped by (KEP-4960). */
export const STOP_SIGNALS: ReadonlyMap<string, number> = new Map([
  ...STANDARD.map((name, index) => [`SIG${name}`, index + 1] as const),
  ...OTHER_NAMES.map(([name, number]) => [`SIG${name}`, number] as const),
  ...Array.from(
    { length: 16 },
    (_, n) => [n === 0 ? "SIGRTMIN" : `SIGRTMIN+${n}`, REALTIME_FIRST + n] as const,
  ),
  ...Array.from(
    { length: 15 },
    (_, n) => [n === 0 ? "SIGRTMAX" : `SIGRTMAX-${n}`, REALTIME_LAST - n] as const,
  ),
]);
