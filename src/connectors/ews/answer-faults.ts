import type { Fault } from '#kit/fault.ts';

/** What answers lack, or say about an item, that no error code tells. */

export const missing: Fault = { kind: 'transient', detail: 'an answer is missing', mayHaveHappened: true };
/** A write that succeeded without saying under which id: the change feed will. */
export const noId: Fault = { kind: 'transient', detail: 'the write was answered without an id', mayHaveHappened: true };
export const headless: Fault = {
  kind: 'transient',
  detail: 'an item came without its id or folder',
  mayHaveHappened: false,
};
export const stale: Fault = { kind: 'stale', detail: 'it is at another version than expected' };
