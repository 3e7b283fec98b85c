import { batchTurns } from "../../engine/transport/turns.ts";

/** Lets no batch and no group of this process begin until what it returns is called; turns that are taken end by themselves. */
export function holdTurns(): () => void {
  Object.defineProperty(batchTurns, "free", { configurable: true, get: () => false });
  return () => {
    Reflect.deleteProperty(batchTurns, "free");
    // One that is given back wakes who waits.
    batchTurns.take()();
  };
}
