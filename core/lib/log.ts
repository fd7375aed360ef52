import type { Clock } from "./clock.ts";

/** From the most talkative to the quietest. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** What a line says besides its message. An `Error` is written as its message, on debug its stack. */
export type LogFields = Readonly<Record<string, unknown>>;

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

/** Says what happens, a line at a time. Given to whoever needs it; nobody imports a global one. */
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
    const all = { ...this.#fields, ...fields };
    sink(
      format === "json" ? jsonLine(time, level, message, all) : textLine(time, level, message, all),
      level,
    );
  }
}

/** A log that says nothing, for tests and for the simulator. */
export function silentLog(clock: Clock): Log {
  return new Log({ clock, sink: () => {}, level: "error", format: "json" });
}

function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  return JSON.stringify({ time, level, message, ...mapValues(fields, plain) });
}

function textLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(plain(value))}`);
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${message}${rest.join("")}`;
}

function quoted(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "undefined";
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

function plain(value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}

function mapValues(fields: LogFields, change: (value: unknown) => unknown): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, change(value)]));
}
