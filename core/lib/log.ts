import type { Clock } from "./clock.ts";

/** From the most talkative to the quietest. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** What a line carries besides its message. An `Error` is written as its message; at level debug, as its stack. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Longer texts are cut: one line must not flood a disk. */
const TEXT_CHARS_MAX = 4096;

/** Where a line goes. `text`: one line without its newline. */
export type LogSink = (text: string, level: LogLevel) => void;

export interface LogOptions {
  clock: Clock;
  sink: LogSink;
  /** Lines below this level are dropped. */
  level: LogLevel;
  /** `json`: an object a line, for machines. `text`: for people at a terminal. */
  format: "json" | "text";
}

/** Writes what happens, one line at a time. It is passed to whoever needs it; there is no global one. */
export class Log {
  readonly #options: LogOptions;
  readonly #fields: LogFields;

  constructor(options: LogOptions, fields: LogFields = {}) {
    this.#options = options;
    this.#fields = fields;
  }

  /** A log whose every line also carries `fields`. */
  with(fields: LogFields): Log {
    return new Log(this.#options, { ...this.#fields, ...fields });
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    const { clock, sink, format } = this.#options;
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#options.level)) return;
    const time = new Date(clock.now()).toISOString();
    const said: Record<string, unknown> = {};
    const withStacks = this.#options.level === "debug";
    for (const [name, value] of Object.entries({ ...this.#fields, ...fields })) {
      said[name] = plain(value, withStacks);
    }
    const text = cut(message);
    sink(
      format === "json" ? jsonLine(time, level, text, said) : textLine(time, level, text, said),
      level,
    );
  }
}

/** A log that writes nothing, for tests and for the simulator. */
export function silentLog(clock: Clock): Log {
  return new Log({ clock, sink: () => {}, level: "error", format: "json" });
}

/** Fields cannot replace the line's own time, level or message. */
function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  return JSON.stringify(Object.assign({ time, level, message }, fields, { time, level, message }));
}

function textLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(value)}`);
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${oneLine(message)}${rest.join("")}`;
}

function quoted(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "undefined";
  return text === "" || /[\s"=\p{Cc}]/u.test(text) ? JSON.stringify(text) : text;
}

/** Text from outside must neither end the line nor move a terminal's cursor. */
function oneLine(message: string): string {
  return /\p{Cc}/u.test(message) ? JSON.stringify(message) : message;
}

/** A value that JSON.stringify accepts. */
function plain(value: unknown, withStack: boolean): unknown {
  if (typeof value === "string") return cut(value);
  if (typeof value === "bigint") return String(value);
  if (value instanceof Error) return cut(withStack && value.stack || messageOf(value));
  if (typeof value !== "object" || value === null) return value;
  try {
    const text = JSON.stringify(value) ?? String(value);
    return text.length <= TEXT_CHARS_MAX ? value : cut(text);
  } catch {
    return cut(Object.prototype.toString.call(value)); // a circle, a bigint inside, or a toJSON that throws
  }
}

function messageOf(error: Error): string {
  return error.cause instanceof Error
    ? `${error.message}: ${messageOf(error.cause)}`
    : error.message;
}

function cut(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}...`;
}
