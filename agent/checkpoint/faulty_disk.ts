import type { CheckpointDisk } from "./checkpoint_disk.ts";

/** Power fails: nothing that comes after it happens. */
export class PowerLoss extends Error {
  override name = "PowerLoss";
}

/** A disk in memory for tests, that loses power in the midst of a write. */
export class FaultyDisk implements CheckpointDisk {
  readonly files: Map<string, Uint8Array>;
  /** How many bytes are written until the power fails; names and removals count as one each. */
  bytesLeft = Infinity;
  writes = 0;
  bytesWritten = 0;
  /** Whether writes fail though nothing is lost, as on a full disk; half of what was written is there. */
  isFull = false;

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.files = new Map(files);
  }

  names(): Promise<readonly string[]> {
    return Promise.resolve([...this.files.keys()]);
  }

  read(name: string): Promise<Uint8Array> {
    return Promise.resolve(this.files.get(name)!);
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    await Promise.resolve();
    this.#write(bytes);
    this.#spend(1);
    this.files.set(name, bytes.slice());
  }

  async append(name: string, bytes: Uint8Array, offset: number): Promise<void> {
    await Promise.resolve();
    const whole = new Uint8Array(offset + bytes.length);
    whole.set(this.files.get(name)!.subarray(0, offset));
    whole.set(bytes, offset);
    const half = whole.slice(0, offset + Math.min(bytes.length, this.#room(bytes)));
    this.files.set(name, half);
    this.#write(bytes);
    this.files.set(name, whole);
  }

  async remove(name: string): Promise<void> {
    await Promise.resolve();
    this.#spend(1);
    this.files.delete(name);
  }

  #room({ length }: Uint8Array): number {
    return this.isFull ? length >> 1 : Math.max(0, this.bytesLeft);
  }

  #write({ length }: Uint8Array): void {
    if (this.isFull) throw new Error("No space left on device (os error 28)");
    this.#spend(length);
    this.writes++;
    this.bytesWritten += length;
  }

  #spend(bytes: number): void {
    this.bytesLeft -= bytes;
    if (this.bytesLeft < 0) throw new PowerLoss();
  }
}
