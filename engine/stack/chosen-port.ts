import { freePort } from "./free-port.ts";
import { StackError } from "./stack-error.ts";

/** Which port a service listens on: exactly `port`, or else `preferredPort` if it is free, or else any. */
export interface PortWish {
  readonly port?: number;
  readonly preferredPort?: number;
}

/** Settles a wish now. Throws StackError `stack.port-taken` for a fixed port, never for a preferred one. */
export async function choosePort(service: string, { port = 0, preferredPort = 0 }: PortWish): Promise<number> {
  const chosen = port === 0 ? ((await freePort(preferredPort)) ?? (await freePort())) : await freePort(port);
  if (chosen !== undefined) return chosen;
  const hint = "Stop the program that listens there, or choose another port.";
  throw new StackError("stack.port-taken", `port ${port} for ${service} is taken`, hint);
}
