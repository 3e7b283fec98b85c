import type { Draft } from "./draft.ts";
import type { Frame } from "./frame.ts";
import type { Failure } from "./state.ts";

/**
 * How a block stands after the walk: something is in progress; all its steps have ended; nothing is in progress and
 * nothing will be, for it is being closed; an `end` was reached; or it has failed.
 */
export type Standing = "open" | "done" | "quiet" | "ended" | Failure;

/** What the walk does at a step: on to the next, look again, or leave the block as it stands. */
export type Moved = Standing | "next" | "again";

/** Runs a block as far as it goes. Handed down the tree, for blocks, branches and compensations hold each other. */
export type Run = (draft: Draft, frame: Frame) => Standing;
