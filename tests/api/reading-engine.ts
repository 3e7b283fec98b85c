import type { Engine } from "../../engine/api/port.ts";
import { loadDefinition } from "../../engine/definition/load.ts";
import { Refusal } from "../../engine/core/refusal.ts";
import type { Log } from "../../engine/sdk.ts";

/** The part of the engine port that reads need; every write is refused. `change` replaces single methods. */
export function readingEngine(change: Partial<Engine> = {}): Engine {
  const refuse = () => Promise.reject(new Refusal("saga.busy", "this engine only reads", "Use another."));
  return {
    start: refuse,
    signal: refuse,
    cancel: refuse,
    retry: refuse,
    skip: refuse,
    resolve: refuse,
    terminate: refuse,
    redrive: refuse,
    dismiss: refuse,
    republish: refuse,
    republished: refuse,
    partitions: refuse,
    partition: refuse,
    exportPartition: refuse,
    dropPartition: refuse,
    edit: refuse,
    previewEdit: refuse,
    previewRedrive: refuse,
    createRedrive: refuse,
    continueRedrive: refuse,
    stopRedrive: refuse,
    verify: refuse,
    rebuild: refuse,
    rebuilt: refuse,
    settled: () => Promise.resolve(),
    load: (source) => ({ ...loadDefinition(source, { catalog: null }), catalog: { actions: new Map() } }),
    broken: () => new Map(),
    files: () => new Map(),
    sensitive: () => Promise.resolve([]),
    hasChildren: () => Promise.resolve(true),
    groups: refuse,
    group: refuse,
    pause: refuse,
    resume: refuse,
    rewind: refuse,
    pipeline: refuse,
    doctor: refuse,
    restartPipeline: refuse,
    createKey: refuse,
    revokeKey: refuse,
    retireDefinition: refuse,
    restoreDefinition: refuse,
    health: () => Promise.resolve({ ready: true, parts: [] }),
    counters: refuse,
    bounds: () => [],
    ...change,
  };
}

/** A log that keeps what it is told. */
export function keptLog(): Log & { readonly errors: Readonly<Record<string, unknown>>[] } {
  const errors: Readonly<Record<string, unknown>>[] = [];
  return { errors, info: () => {}, warn: () => {}, error: (_message, fields = {}) => void errors.push(fields) };
}
