/** A broken assumption of ours: never an operating error, never retried. The job that meets it stops and writes nothing. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** The value, which the caller knows to be there. */
export function must<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new AssertionFailure(message);
  return value;
}

export function assertNever(value: never): never {
  throw new AssertionFailure(`unexpected value ${JSON.stringify(value)}`);
}
