/**
 * Root of all errors that the engine throws on purpose. `code` (`area.thing`) is stable and has an entry in
 * docs/OPERATIONS.md; `message` is for the log, with ids in it; `hint` tells the person on call what to do next.
 */
export abstract class EngineError extends Error {
  abstract readonly code: string;
  abstract readonly hint: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
