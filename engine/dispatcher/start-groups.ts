import type { Definition, StartOn } from "../core/definition.ts";
import { untilPulse } from "../pause.ts";
import type { Log } from "../sdk.ts";
import type { Consumer, Subscription, Transport } from "../transport/port.ts";
import { StartMessages, type StartMessagesParts } from "./start-messages.ts";

/** How often it is looked whether a definition has begun, or ceased, to be started by messages. */
const LOOK_EVERY_MS = 1_000;

/** What keeps these groups. */
export interface StartGroupsParts {
  readonly transport: Pick<Transport, "ensureTopics" | "subscribe">;
  readonly control: { add(consumer: Consumer): Promise<void>; remove(consumer: Consumer): void };
  /** Makes the rows of all groups. */
  readonly register: () => Promise<void>;
  readonly definitions: () => ReadonlyMap<string, Definition>;
  readonly messages: StartMessagesParts;
  readonly log: Log;
}

interface Member {
  readonly topic: string;
  readonly consumer: Consumer;
}

/** One consumer group for each definition with a `start`; a definition that is edited while the engine runs is followed. */
export class StartGroups {
  readonly #parts: StartGroupsParts;
  readonly #members = new Map<string, Member>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: StartGroupsParts) {
    this.#parts = parts;
  }

  /** Takes in what is there, then goes on looking until `stop`. */
  async start(): Promise<void> {
    await this.#look();
    this.#lookLater();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
    for (const { consumer } of this.#members.values()) await consumer.stop();
  }

  #lookLater(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch((error: unknown) => this.#parts.log.error("a topic that starts sagas could not be followed", { error }))
        .finally(() => this.#lookLater());
    }, untilPulse(LOOK_EVERY_MS));
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const wanted = this.#parts.definitions();
    for (const [name, member] of this.#members) {
      // A group that reads another topic from now on keeps its offsets of both.
      if (wanted.get(name)?.start?.topic !== member.topic) await this.#leave(name, member);
    }
    const troubles: unknown[] = [];
    for (const definition of wanted.values()) {
      if (definition.start === undefined || this.#members.has(definition.name)) continue;
      try {
        await this.#join(definition, definition.start);
      } catch (error) {
        // Not in the way of the other definitions; tried again at the next look.
        troubles.push(error);
      }
    }
    if (troubles.length > 0) throw troubles[0];
  }

  async #leave(name: string, { consumer }: Member): Promise<void> {
    // Taken out first: a pause that is asked for now must find the member that comes, not the one that goes.
    this.#parts.control.remove(consumer);
    await consumer.stop();
    this.#members.delete(name);
  }

  async #join(definition: Definition, start: StartOn): Promise<void> {
    const messages = new StartMessages(definition, start, this.#parts.definitions, this.#parts.messages);
    this.#members.set(definition.name, {
      topic: start.topic,
      consumer: await this.#subscribe(messages.subscription()),
    });
  }

  async #subscribe(subscription: Subscription): Promise<Consumer> {
    const { transport, control, register } = this.#parts;
    await transport.ensureTopics(subscription.topics);
    await register();
    const consumer = await transport.subscribe(subscription);
    try {
      await control.add(consumer);
    } catch (error) {
      // The next look subscribes again. This one would read on beside it, and nobody could pause, rewind or stop it.
      await consumer.stop();
      throw error;
    }
    return consumer;
  }
}
