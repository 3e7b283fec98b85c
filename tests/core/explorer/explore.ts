import { isFinal } from "../../../engine/core/state.ts";
import { dispatcherMoves } from "./dispatcher.ts";
import { broken, brokenMove } from "./invariants.ts";
import { type Move, participantMoves } from "./participant.ts";
import { firstWorld, type Model, type World, WorldTexts } from "./world.ts";

/** What an exploration found. `violation` is the shortest story that leads to one. */
export interface Found {
  readonly states: number;
  readonly edges: number;
  /** Reachable states by the saga's status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly violation?: string;
}

/** Nothing explored here comes near it; a model whose states do not end would fill the memory first. */
const STATES_MAX = 100_000;

/** Visits every reachable world, breadth first, so that the first violation has the shortest story. */
export function explore(model: Model): Found {
  return new Exploration(model).run();
}

class Exploration {
  readonly #model: Model;
  readonly #texts = new WorldTexts();
  readonly #known = new Map<string, number>();
  readonly #parents: number[] = [];
  readonly #stories: string[] = [];
  readonly #goals: boolean[] = [];
  /** For each state the states from which a move without a fault leads to it. */
  readonly #healthyFrom: number[][] = [];
  readonly #statuses: Record<string, number> = {};
  #frontier: { world: World; at: number }[] = [];
  #edges = 0;

  constructor(model: Model) {
    this.#model = model;
  }

  run(): Found {
    this.#visit(firstWorld(this.#model), -1, "a saga is asked for");
    while (this.#frontier.length > 0) {
      const layer = this.#frontier;
      this.#frontier = [];
      for (const { world, at } of layer) {
        const violation = this.#expand(world, at);
        if (violation !== undefined) return this.#found(violation);
      }
    }
    return this.#found(this.#endless());
  }

  #expand(world: World, at: number): string | undefined {
    const moves = [...participantMoves(this.#model, world), ...dispatcherMoves(this.#model, world)];
    for (const move of moves) {
      const violation = this.#step(world, move, at);
      if (violation !== undefined) return violation;
    }
    return undefined;
  }

  #step(world: World, move: Move, at: number): string | undefined {
    this.#edges += 1;
    const next = this.#visit(move.world, at, move.story);
    if (move.healthy && next !== at) (this.#healthyFrom[next] as number[]).push(at);
    const violation =
      brokenMove(this.#model, world, move.world) ??
      (this.#parents[next] === at ? broken(this.#model, move.world) : undefined);
    return violation === undefined ? undefined : this.#tell(at, move.story, move.world, violation);
  }

  #visit(world: World, parent: number, story: string): number {
    const text = this.#texts.of(world);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const at = this.#parents.length;
    if (at >= STATES_MAX) throw new Error(`more than ${STATES_MAX} states`);
    this.#known.set(text, at);
    this.#parents.push(parent);
    this.#stories.push(story);
    this.#healthyFrom.push([]);
    this.#goals.push(isAtRest(world));
    this.#statuses[world.saga.status] = (this.#statuses[world.saga.status] ?? 0) + 1;
    this.#frontier.push({ world, at });
    return at;
  }

  /** Liveness: the first state from which no way without faults leads to rest. */
  #endless(): string | undefined {
    const reaches = this.#goals.map((goal) => goal);
    const open = reaches.flatMap((goal, at) => (goal ? [at] : []));
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const from of this.#healthyFrom[at] as number[]) {
        if (!reaches[from]) {
          reaches[from] = true;
          open.push(from);
        }
      }
    }
    const stuck = reaches.indexOf(false);
    if (stuck === -1) return undefined;
    return this.#tell(
      stuck,
      "",
      undefined,
      "Liveness: without faults the saga neither ends nor parks nor waits for a signal",
    );
  }

  #tell(at: number, last: string, world: World | undefined, violation: string): string {
    const lines = last === "" ? [] : [last];
    for (let index = at; index !== -1; index = this.#parents[index] as number)
      lines.unshift(this.#stories[index] as string);
    const told = lines.map((line, index) => `${String(index + 1).padStart(3)}  ${line}`);
    const end = world === undefined ? [] : [`     ${JSON.stringify(world)}`];
    return [violation, ...told, ...end].join("\n");
  }

  #found(violation: string | undefined): Found {
    const counts = { states: this.#parents.length, edges: this.#edges, statuses: this.#statuses };
    return violation === undefined ? counts : { ...counts, violation };
  }
}

/** Final, parked for a person, or waiting for a signal. */
function isAtRest({ saga, child }: World): boolean {
  if (saga.winding || child.saga?.winding) return false;
  if (saga.status === "parked" || saga.waitingFor.length > 0 || child.saga?.parked !== undefined) return true;
  return isFinal(saga.status) && (child.saga === null || isFinal(child.saga.status));
}
