/** What travels between `serve-store.ts` and `remote-store.ts`. Other messages on the same channel are not theirs. */

import { AssertionFailure } from '#kit/assert.ts';
import { FencedOut, type Store } from '../store.ts';
import { StoreError, type StoreErrorCode } from '../store-error.ts';
import type { WakeKinds } from '../wake-bell.ts';

/** Methods that are calls. `waitForWork` is answered on the spot from pushed wake-ups; `close` only lets go of the channel. */
export const calledMethods = [
  'putPairs',
  'pair',
  'pairs',
  'folders',
  'folderMarks',
  'linksById',
  'linksBySearchKey',
  'linksByFingerprint',
  'linksByStamp',
  'links',
  'intents',
  'unclaimedBySearchKey',
  'unclaimedByFingerprint',
  'unclaimedById',
  'unclaimedCount',
  'unclaimed',
  'deletionsSince',
  'typedLinks',
  'typedLinksByIdentity',
  'pageTypedLinks',
  'typedLinksGone',
  'typedIntents',
  'unlinked',
  'unlinkedByIdentity',
  'unlinkedByStamp',
  'pageUnlinked',
  'commit',
  'quarantine',
  'retryQuarantine',
  'journal',
  'history',
  'forget',
  'directorySync',
  'directoryLinks',
  'pageDirectoryLinks',
  'directoryLinksGone',
  'countDirectoryLinks',
  'directoryWaiting',
  'directoryJournal',
  'directoryRemovalsSince',
  'commitDirectory',
  'switches',
  'switchSteps',
  'commitSwitch',
  'ensureWork',
  'notify',
  'claim',
  'take',
  'extend',
  'complete',
  'work',
  'nextDueMs',
  'spend',
  'release',
  'backOff',
] as const satisfies readonly Exclude<keyof Store, 'waitForWork' | 'close'>[];
export type CalledMethod = (typeof calledMethods)[number];

export interface Call {
  readonly to: 'store';
  readonly call: number;
  readonly method: CalledMethod;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly to: 'store-caller'; readonly call: number; readonly value: unknown }
  | { readonly to: 'store-caller'; readonly call: number; readonly error: PlainError }
  | { readonly to: 'store-caller'; readonly wake: true; readonly kinds: WakeKinds }
  /** The owner ends in order: what it has not answered by now was not begun. */
  | { readonly to: 'store-caller'; readonly bye: true };

export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code: string | null;
}

export function toPlainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: null };
  return {
    name: error.name,
    message: error.message,
    code: 'code' in error && typeof error.code === 'string' ? error.code : null,
  };
}

/** The error as the caller would have caught it beside the store. */
export function fromPlainError({ name, message, code }: PlainError): Error {
  switch (name) {
    case 'FencedOut':
      return new FencedOut(message);
    case 'StoreError':
      return new StoreError(code as StoreErrorCode, message);
    case 'AssertionFailure':
      return new AssertionFailure(message);
    default:
      return Object.assign(new Error(`${name}: ${message}`), code === null ? {} : { code });
  }
}

export const isCall = (message: unknown): message is Call => isTo(message, 'store');
export const isAnswer = (message: unknown): message is Answer => isTo(message, 'store-caller');

const isTo = (message: unknown, to: string): boolean =>
  typeof message === 'object' && message !== null && 'to' in message && message.to === to;
