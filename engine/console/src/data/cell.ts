import { useLayoutEffect, useState } from "preact/hooks";

/** A value that tells when it changes. */
export class Cell<T> {
  #value: T;
  readonly #watchers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher(value);
  }

  /** Calls on every change until the returned function is called. */
  watch(watcher: (value: T) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }
}

/** The cell's value; the component is drawn again when it changes. */
export function useCell<T>(cell: Cell<T>): T {
  const [, again] = useState({});
  const drawn = cell.value;
  useLayoutEffect(() => {
    const stop = cell.watch(() => again({}));
    // It may have changed between drawing and here.
    if (!Object.is(drawn, cell.value)) again({});
    return stop;
  }, [cell]);
  return drawn;
}
