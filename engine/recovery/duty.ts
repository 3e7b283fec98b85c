import { Pause } from "../pause.ts";

/** How a duty says that a look failed. */
export type Problem = (what: string, error: unknown) => void;

/** Something that a process looks after again and again, one look at a time. */
export class Duty {
  readonly #what: string;
  readonly #everyMs: number;
  readonly #look: (goOn: () => boolean) => Promise<void>;
  readonly #problem: Problem;
  readonly #pause = new Pause();
  #stopped = false;
  #loop: Promise<void> | undefined;

  /** `look` ends soon after `goOn` has become false. */
  constructor(what: string, everyMs: number, look: (goOn: () => boolean) => Promise<void>, problem: Problem) {
    this.#what = what;
    this.#everyMs = everyMs;
    this.#look = look;
    this.#problem = problem;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.end();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#look(() => !this.#stopped);
      } catch (error) {
        if (!this.#stopped) this.#problem(this.#what, error);
      }
      if (!this.#stopped) await this.#pause.about(this.#everyMs);
    }
  }
}
