import { CliError, EXIT } from "../cli-error.ts";
import { type Interrupt, onInterrupt } from "../interrupt.ts";
import { Progress } from "../progress.ts";
import { table } from "../table.ts";
import { OutputClosed, say, writeError, writeLine } from "../write-line.ts";
import type { LineSource } from "./line-source.ts";
import { type Line, readLines } from "./lines.ts";
import { Interrupted, PatientCaller } from "./patient-caller.ts";
import { faulty, type LineResult } from "./result.ts";
import { Tally } from "./tally.ts";

/** One run over the lines of an input. */
export interface Run {
  readonly source: LineSource;
  readonly lineMaxBytes: number;
  readonly concurrency: number;
  readonly patienceMs: number;
  readonly json: boolean;
  readonly did: "started" | "signalled";
  /** Prepares a line, in the order of the input; what it returns is run beside others. */
  readonly prepare: (line: Line, caller: PatientCaller, stopping: AbortSignal) => () => Promise<LineResult>;
}

/** Runs all lines and says what became of them: results on standard output, everything else on standard error. */
export async function runLines(run: Run): Promise<void> {
  const tally = new Tally();
  const progress = new Progress(() => tally.advance(run.did, run.source.bytes));
  const interrupt = onInterrupt(() =>
    progress.say("Stopping when the calls under way have ended; Ctrl-C again: at once."),
  );
  const { stopping, giveUp } = interrupt;
  const onTrouble = (text: string) => progress.say(text);
  const caller = new PatientCaller({ patienceMs: run.patienceMs, stopping, giveUp, onTrouble });
  let failure: unknown;
  try {
    await work(run, interrupt, caller, (result, line) => {
      tally.add(result, line.end);
      report(run, result, progress);
    });
  } catch (error) {
    failure = error;
  } finally {
    progress.end();
    interrupt.release();
  }
  if (failure === undefined || tally.lines > 0) summarise(run, tally);
  conclude(run, tally, stopping.aborted, failure);
}

/** Takers that share the lines: as many calls at once as there are takers, and no more lines in memory. */
async function work(
  run: Run,
  interrupt: Interrupt,
  caller: PatientCaller,
  done: (result: LineResult, line: Line) => void,
): Promise<void> {
  // One taker's failure ends the others' waiting as Ctrl-C does.
  const halt = new AbortController();
  interrupt.stopping.addEventListener("abort", () => halt.abort(), { once: true });
  const acts = prepared(run, caller, halt.signal);
  let failure: unknown;
  const taker = async () => {
    while (!halt.signal.aborted) {
      // A pipe may give nothing for hours: neither Ctrl-C nor a failure waits for its next line.
      const next = await unlessAborted(acts.next(), halt.signal);
      if (next === undefined || next.done === true) return;
      done(await next.value.act(), next.value.line);
    }
  };
  const guarded = () =>
    taker().catch((error: unknown) => {
      if (!(error instanceof Interrupted)) failure ??= error;
      halt.abort();
    });
  await Promise.all(Array.from({ length: run.concurrency }, guarded));
  if (failure !== undefined) throw failure;
}

/** What a promise gives, or undefined once aborted. Unlike `Promise.race` it leaves nothing behind on the signal. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const aborted = () => resolve(undefined);
    signal.addEventListener("abort", aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}

interface Prepared {
  readonly line: Line;
  readonly act: () => Promise<LineResult>;
}

/** Takers take from one generator: it prepares the lines in their order, whatever the order in which they end. */
async function* prepared(run: Run, caller: PatientCaller, stopping: AbortSignal): AsyncGenerator<Prepared> {
  for await (const line of readLines(run.source.open(), run.source.name, run.lineMaxBytes)) {
    const { fault } = line;
    const act = fault === undefined ? run.prepare(line, caller, stopping) : async () => faulty(line.number, fault);
    yield { line, act };
  }
}

function report({ json, source }: Run, { text, standing: _, ...result }: LineResult, progress: Progress): void {
  if (json) writeLine(JSON.stringify(result));
  else if (result.result === "refused") progress.say(`${source.name}:${result.line}: ${text ?? "refused"}`);
}

function summarise({ json, source, did }: Run, tally: Tally): void {
  const head = `${source.name}: ${tally.lines} line${tally.lines === 1 ? "" : "s"}: ${tally.counts(did)}`;
  const rows = tally.rows();
  const text = rows.length === 0 ? head : `${head}\n\n${table(["STANDING", "SAGAS"], rows, "")}`;
  if (json) writeError(text);
  else say(text);
}

function conclude({ did }: Run, tally: Tally, stopped: boolean, failure: unknown): void {
  const again = `Run the same command again for the rest: nothing is ${did} twice.`;
  if (failure instanceof CliError && failure.exit === EXIT.unreachable)
    throw new CliError(failure.exit, `${failure.message}\n${again}`);
  if (failure instanceof OutputClosed)
    throw new CliError(EXIT.interrupted, `Nobody reads the results any more. ${again}`);
  if (failure !== undefined) throw failure;
  if (stopped) throw new CliError(EXIT.interrupted, `Stopped. ${again}`);
  process.exitCode = tally.exit;
}
