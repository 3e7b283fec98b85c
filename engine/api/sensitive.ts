import { Refusal } from "../core/refusal.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import type { Sql } from "../timeline/database.ts";
import type { MessageRow } from "../timeline/read-messages.ts";
import { readInputs, readOutputs, readRevisionsOf, type SensitiveRow } from "../timeline/read-sensitive.ts";
import { maskAt, maskText, maskValues, type Path, type Secrets, secretsAt } from "./mask.ts";
import type { Engine } from "./port.ts";

/**
 * Masks one saga's values. The rule: what a definition declares `sensitive` is masked where it is declared (the
 * input, a step's result, and the messages that carry them), and its texts and numbers are masked wherever else the
 * API shows them for the same saga (other bodies, output, labels, key, errors). Booleans are masked at their place
 * only; texts below four characters are masked where they are the whole value.
 */
export class Masking {
  readonly #input: readonly Path[];
  readonly #steps: readonly Path[];
  readonly #secrets: { readonly texts: Set<string>; readonly numbers: Set<number> } = { texts: new Set(), numbers: new Set() };

  constructor(paths: readonly string[]) {
    const split = paths.map((path) => path.split("."));
    this.#input = split.filter(([root]) => root === "input").map((path) => path.slice(1));
    this.#steps = split.filter(([root]) => root === "steps").map((path) => path.slice(1));
  }

  get secrets(): Secrets {
    return this.#secrets;
  }

  learnInput(input: Json): void {
    secretsAt(input, this.#input, this.#secrets);
  }

  /** `path` is that of the step in the saga; its last segment is the name. */
  learnOutput(path: string, output: Json): void {
    secretsAt(output, this.#belowStep(path), this.#secrets);
  }

  /** A message may carry a value before the saga's rows know it. */
  learnMessage(message: MessageRow): void {
    for (const { field, paths } of this.#placesIn(message)) {
      secretsAt(fieldOf(message.message_body, field), paths, this.#secrets);
    }
  }

  input(input: Json): Json {
    return this.value(maskAt(input, this.#input));
  }

  body(message: MessageRow): Json {
    const masked = this.#placesIn(message).reduce((body, { field, paths }) => maskField(body, field, paths), message.message_body);
    return this.value(masked);
  }

  value(value: Json): Json {
    return maskValues(value, this.#secrets);
  }

  text(text: string): string;
  text(text: string | null): string | null;
  text(text: string | null): string | null {
    return text === null ? null : maskText(text, this.#secrets);
  }

  #placesIn(message: MessageRow): readonly { readonly field: string; readonly paths: readonly Path[] }[] {
    const step = this.#belowStep(message.step_key ?? "");
    switch (message.message_type) {
      case "saga.started":
        return [{ field: "input", paths: this.#input }];
      case "signal.received":
        // Which wait will take it is not known yet: what any step hides is hidden here.
        return [{ field: "payload", paths: this.#steps.map((path) => path.slice(1)) }];
      case "compensation.requested":
        return [{ field: "compensates", paths: step.map((path) => ["output", ...path]) }];
      default:
        return [{ field: "output", paths: step }];
    }
  }

  #belowStep(path: string): readonly Path[] {
    const name = (path.split("/").at(-1) ?? "").replace(/\[\d+\]$/, "");
    return this.#steps.filter(([first]) => first === undefined || first === name).map((each) => each.slice(1));
  }
}

const NOTHING_SENSITIVE = new Masking([]);

/** What to mask for each of some sagas. */
export class MaskingBySaga {
  readonly #found: ReadonlyMap<string, Masking>;

  constructor(found: ReadonlyMap<string, Masking>) {
    this.#found = found;
  }

  of(sagaId: string | null): Masking {
    return this.#found.get(sagaId ?? "") ?? NOTHING_SENSITIVE;
  }
}

/** Reads what is sensitive in some sagas; costs one look-up when nothing is. */
export async function maskingOf(engine: Engine, sql: Sql, sagaIds: readonly string[], messages: readonly MessageRow[] = []): Promise<MaskingBySaga> {
  const found = new Map<string, Masking>();
  for (const saga of await readRevisionsOf(sql, sagaIds)) {
    const paths = await sensitivePaths(engine, saga);
    if (paths.length > 0) found.set(saga.id, new Masking(paths));
  }
  if (found.size === 0) return new MaskingBySaga(found);
  const ids = [...found.keys()];
  const [inputs, outputs] = await Promise.all([readInputs(sql, ids), readOutputs(sql, ids)]);
  for (const row of inputs) found.get(row.id)?.learnInput(row.input);
  for (const row of outputs) found.get(row.saga_id)?.learnOutput(row.path, row.output);
  for (const message of messages) found.get(message.correlation_id ?? "")?.learnMessage(message);
  return new MaskingBySaga(found);
}

async function sensitivePaths(engine: Engine, saga: SensitiveRow): Promise<readonly string[]> {
  try {
    return await engine.sensitive(saga.definition, saga.revision);
  } catch (error) {
    // A revision that nobody can read any more: rather hide all of it than show one name.
    if (error instanceof Refusal) return ["input", "steps"];
    throw error;
  }
}

function fieldOf(body: Json, field: string): Json {
  return isJsonObject(body) ? (body[field] ?? null) : null;
}

function maskField(body: Json, field: string, paths: readonly Path[]): Json {
  const value = fieldOf(body, field);
  return isJsonObject(body) && value !== null ? { ...body, [field]: maskAt(value, paths) } : body;
}
