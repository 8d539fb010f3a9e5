/** Something that is waited for, and that a test makes happen when it likes. */
export interface Latch {
  readonly opened: Promise<void>;
  open(): void;
}

export function latch(): Latch {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** A loader that reads a value at once, and gives it when it is told to. */
export interface HeldLoader<T> {
  /** When it has read. */
  readonly hasRead: Promise<void>;
  readonly load: () => Promise<T>;
  /** How often it was called. */
  readonly calls: number;
  finish(): void;
}

export function heldLoader<T>(read: () => T): HeldLoader<T> {
  const reading = latch();
  const finishing = latch();
  let calls = 0;
  return {
    hasRead: reading.opened,
    get calls() {
      return calls;
    },
    load: async () => {
      calls++;
      const value = read();
      reading.open();
      await finishing.opened;
      return value;
    },
    finish: finishing.open,
  };
}
