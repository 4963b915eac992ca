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
  | 'closed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
