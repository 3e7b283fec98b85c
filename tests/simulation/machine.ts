import { decide } from "../../engine/core/decide.ts";
import type { Definition } from "../../engine/core/definition.ts";
import { loadDefinition } from "../../engine/definition/load.ts";
import { Revisions } from "../../engine/dispatcher/revisions.ts";
import type { StepContext } from "../../engine/sdk.ts";
import type { Coverage } from "./coverage.ts";
import type { Sources } from "./definition-source.ts";
import type { Client, Database, Meaning } from "./driver.ts";
import { type Character, groupOf, type Outside } from "./handlers.ts";
import { Ledger, split } from "./ledger.ts";
import type { Plan } from "./plan.ts";
import { participantStatements } from "./participant-statements.ts";
import { Random, seedFor } from "./random.ts";
import { Schedule } from "./schedule.ts";
import { statementsOf } from "./statements.ts";
import { Locks, type Transaction } from "./store.ts";
import { type RequestRow, Tables } from "./tables.ts";
import { TopicLog } from "./topic-log.ts";

const STARTED_MS = Date.parse("2026-01-01T00:00:00.000Z");

/** Texts of statements are the same objects in every run: each is looked up once. */
const known = new WeakMap<TemplateStringsArray, string>();

/** Revisions that were compiled when the run began. */
class KnownRevisions extends Revisions {
  readonly #byName: ReadonlyMap<string, Definition>;

  constructor(byName: ReadonlyMap<string, Definition>) {
    super();
    this.#byName = byName;
  }

  override async get(_sql: unknown, name: string): Promise<Definition> {
    return this.#byName.get(name) as Definition;
  }
}

/** Everything around the engine's processes: database, topics, clock, the world outside, and who watches them all. */
export class Machine implements Database {
  readonly seed: number;
  readonly tables = new Tables();
  readonly locks = new Locks();
  readonly schedule: Schedule;
  readonly log: TopicLog;
  readonly ledger: Ledger;
  readonly revisions: Revisions;
  readonly story: string[] = [];
  readonly coverage: Coverage;
  isHealed = false;
  /** A story costs time: only one that somebody reads is told. */
  readonly tells: boolean;
  violation: string | undefined;
  /** Paths whose handlers have not only succeeded: what a saga may be parked at. */
  readonly troubled = new Set<string>();
  readonly decide: typeof decide;
  readonly #characters: NonNullable<Plan["characters"]>;
  readonly #definitions: ReadonlyMap<string, Definition>;
  readonly #meanings: Readonly<Record<string, Meaning>>;
  readonly #outside = { name: "outside", alive: true };
  readonly #refused = new Set<string>();
  readonly #external = new Map<string, "did" | "undone">();
  readonly #calls = new Map<string, number>();
  #xid = 0;

  constructor({ seed, definitions, bugs = {}, tells = false, characters = {} }: Plan, coverage: Coverage) {
    const random = new Random(seedFor(seed, "schedule"));
    this.seed = seed;
    this.coverage = coverage;
    this.tells = tells;
    this.#characters = characters;
    this.decide = bugs.decide ?? decide;
    this.#definitions = definitions;
    this.schedule = new Schedule(random, random.pick([0.02, 0.02, 0.1, 0.1, 1]), STARTED_MS);
    this.log = new TopicLog((topic) => [groupOf(topic)]);
    this.ledger = new Ledger(this.tables, () => this.schedule.latestMs);
    this.revisions = new KnownRevisions(definitions);
    for (const name of definitions.keys()) this.tables.definitions.set(name, name);
    const ground = { tables: this.tables, locks: this.locks, bugs, now: () => this.schedule.nowMs };
    this.#meanings = { ...statementsOf(ground), ...participantStatements(ground) };
  }

  meaningOf(text: TemplateStringsArray): Meaning {
    const name = known.get(text) ?? this.#nameOf(text);
    known.set(text, name);
    return this.#meanings[name] as Meaning;
  }

  #nameOf(text: TemplateStringsArray): string {
    const plain = text.join(" ").replaceAll(/\s+/g, " ");
    const found = Object.keys(this.#meanings).filter((name) => plain.includes(name));
    // The longest name is the most exact one.
    const [name] = found.sort((one, other) => other.length - one.length);
    if (name === undefined) throw new Error(`the model knows no statement "${plain}"`);
    return name;
  }

  nextXid(): string {
    this.#xid += 1;
    return String(this.#xid);
  }

  commit(transaction: Transaction): void {
    for (const [id, row] of transaction.changesOf(this.tables.saga)) {
      if (row === null) continue;
      const parent =
        row.parent_id === null || row.parent_path === null
          ? undefined
          : { sagaId: row.parent_id, path: row.parent_path };
      this.ledger.open(id, this.#definitions.get(row.definition) as Definition, parent);
    }
    this.tell(() => committedInWords(transaction, this.tables));
    this.violation ??= this.ledger.committed(transaction);
    for (const [table, changes] of transaction.tables()) table.apply(changes);
    for (const row of transaction.changesOf(this.tables.request).values()) if (row !== null) this.log.append(row);
  }

  #happen(stepKey: string, kind: "did" | "undone"): void {
    const before = this.#external.get(stepKey);
    if (before === kind || before === "undone" || (kind === "did" && this.#refused.has(stepKey))) return;
    this.#external.set(stepKey, kind);
    const [sagaId, path] = split(stepKey);
    this.violation ??= this.ledger.happened(sagaId, path, kind);
    this.tell(`outside: ${path} ${kind === "did" ? "takes effect" : "is undone"}`);
  }

  #callOf(key: string): number {
    const call = (this.#calls.get(key) ?? 0) + 1;
    this.#calls.set(key, call);
    return call;
  }

  #note({ stepKey, compensates }: StepContext, character: Character): void {
    this.coverage.count("handler", compensates === undefined ? character : `compensation ${character}`);
    if (character !== "well") this.troubled.add(stepKey);
  }

  /** What a process's handlers see of this machine. */
  outsideOf(client: Client): Outside {
    return {
      seed: this.seed,
      characters: this.#characters,
      healed: () => this.isHealed,
      sleep: (ms) => this.schedule.sleep(client, ms),
      later: (ms, happen) => void this.schedule.sleep(this.#outside, ms).then(happen),
      happen: (stepKey, kind) => this.#happen(stepKey, kind),
      refused: this.#refused,
      hasDone: (stepKey) => this.#external.get(stepKey) === "did",
      callOf: (key) => this.#callOf(key),
      note: (context, character) => this.#note(context, character),
    };
  }

  tell(line: string | (() => string)): void {
    if (!this.tells) return;
    const text = typeof line === "string" ? line : line();
    this.story.push(`${String((this.schedule.nowMs - STARTED_MS) / 1000).padStart(8)}s  ${text}`);
  }
}

/** Compiles the sources of a run; its checks are another test's. */
export function compile({ byName }: Sources): ReadonlyMap<string, Definition> {
  return new Map(
    [...byName].map(([name, source]) => {
      const { definition, diagnostics } = loadDefinition(source, { catalog: null, checks: false });
      if (definition === null) throw new Error(diagnostics.map(({ message }) => message).join("; "));
      return [name, definition] as const;
    }),
  );
}

/** What a commit has consumed and sent, for the story. */
function committedInWords(transaction: Transaction, tables: Tables): string {
  const requests = [...transaction.changesOf(tables.request).values()].filter((row) => row !== null);
  const consumed = [...transaction.changesOf(tables.consumption).values()].flatMap((row) => {
    const request = row === null ? undefined : tables.request.get(transaction, row.messageId);
    return request === undefined ? [] : [`${inWords(request)}${row?.error ? " (in error)" : ""}`];
  });
  const guards = [...transaction.changesOf(tables.guard)].map(
    ([key, row]) => `${split(key)[1]} ${row?.state ?? "reopened"}`,
  );
  const sagas = [...transaction.changesOf(tables.saga).values()].map((row) => `${row?.definition} is ${row?.status}`);
  const parts = [
    ["consumed", consumed],
    ["guards", guards],
    ["sent", requests.map(inWords)],
    ["saga", sagas],
  ] as const;
  return `   commit ${transaction.xid}: ${parts.flatMap(([name, list]) => (list.length === 0 ? [] : [`${name} ${list.join(", ")}`])).join("; ")}`;
}

function inWords({ messageType, stepKey, attempt, messageBody }: RequestRow): string {
  if (messageType === "timer.fired") return `timer ${(messageBody as { timer: string }).timer}`;
  return `${messageType}${stepKey === null ? "" : ` ${split(stepKey)[1]}`}${attempt === null ? "" : ` #${attempt}`}`;
}
