import { Dispatcher } from "../dispatcher/dispatcher.ts";
import { Timers } from "../dispatcher/timers.ts";
import type { Deciding } from "./deciding.ts";
import type { Parts } from "./parts.ts";

/** The role `dispatcher`: timeline events in, commands out, timers. */
export async function startDispatcher(parts: Parts, { transitions, changes }: Deciding): Promise<void> {
  const { config, transport, control, store, log, closing } = parts;
  const dispatcher = new Dispatcher(
    store("dispatcher"),
    transitions,
    changes,
    config.consumer,
    (error, { key, headers }) =>
      log.error("an event could not be applied; mend the cause and rewind the dispatcher to it", {
        error,
        sagaId: key,
        messageId: headers["id"],
      }),
  );
  const consumer = await transport.subscribe(dispatcher.subscription());
  await control.add(consumer);
  const timers = new Timers(store("dispatcher"), transitions, changes, (error) =>
    log.error("timers could not fire", { error }),
  );
  timers.start(() => consumer.status().state === "running");
  closing.add(() => timers.stop());
}
