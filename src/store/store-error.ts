/** Why the store cannot be used, each with what to do in its message. Never holds the password of a URL. */
export type StoreErrorCode =
  | 'in-use'
  | 'disk-full'
  | 'disk-failed'
  | 'read-only'
  | 'cannot-open'
  | 'not-a-store'
  | 'corrupt'
  | 'too-new'
  | 'too-old-server'
  | 'bad-url'
  | 'unreachable'
  | 'outcome-unknown'
  | 'unknown-pair'
  | 'contradiction'
  | 'too-large'
  | 'closed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The owner of the store is gone, and the call never reached it, or was left alone by it: asking again elsewhere is safe. */
export class NotBegun extends StoreError {
  constructor() {
    super('closed', 'the process that owns the store ended');
  }
}
