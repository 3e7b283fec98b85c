import type { Read } from "../../engine/core/event.ts";
import type { Json } from "../../engine/core/json.ts";
import type { NewRequest } from "../../engine/timeline/store.ts";
import type { SagaRow } from "../../engine/timeline/saga-row.ts";
import type { Guard } from "../core/explorer/world.ts";
import type { StoredRow } from "../core/stored-rows.ts";
import { Table } from "./store.ts";

/** A row of `event_request`. */
export interface RequestRow extends NewRequest {
  readonly producer: string;
  readonly requestedAt: string;
  readonly xid: string;
}

/** A row of `event_consumption`. */
export interface ConsumptionRow {
  readonly group: string;
  readonly messageId: string;
  readonly sagaId: string;
  readonly attempts: number;
  readonly consumed: boolean;
  readonly error: boolean;
  readonly errorCode: string | null;
  /** Of the dispatcher: the transition that it made, and what that saw. */
  readonly sequence?: number | null;
  readonly read?: Read | null;
  readonly xid: string;
}

/** A row of `step_guard`. */
export interface GuardRow {
  readonly sagaId: string;
  readonly state: Guard["state"];
  readonly code?: string;
  readonly message?: string;
  readonly output?: Json;
  readonly compensationOutput?: Json;
  readonly commandMessageId?: string;
  readonly calls: number;
  readonly compensationMessageId?: string;
  /** Of `started` and `compensating`: until when it counts as running. */
  readonly untilMs?: number;
}

/** A row that a handler has written: that a step was done, or undone. */
export interface EffectRow {
  readonly stepKey: string;
  readonly kind: "did" | "undone";
  readonly xid: string;
}

export interface TimerRow {
  readonly saga_id: string;
  readonly name: string;
  readonly dueAt: string;
}

export interface StepRow extends StoredRow {
  readonly sagaId: string;
  readonly path: string;
  readonly status: string;
}

export interface KeyRow {
  readonly body_hash: string;
  readonly saga_id: string;
  readonly response: Json;
}

/** The tables that the statements know. */
export class Tables {
  readonly saga = new Table<SagaRow & { readonly uncompensated: Json; readonly xid: string }>();
  readonly request = new Table<RequestRow>();
  readonly consumption = new Table<ConsumptionRow>();
  readonly guard = new Table<GuardRow>();
  readonly timer = new Table<TimerRow>();
  readonly step = new Table<StepRow>();
  readonly startKey = new Table<KeyRow>();
  readonly effect = new Table<EffectRow>();
  /** Sources of definitions, by name; the revision is the name. */
  readonly definitions = new Map<string, string>();
  paused = false;
}

export function consumptionKey(group: string, messageId: string): string {
  return `${group} ${messageId}`;
}

/** A message in error, or claimed and not ended, may be claimed again. */
export function mayClaim(row: ConsumptionRow | undefined): boolean {
  return row === undefined || row.error || !row.consumed;
}
