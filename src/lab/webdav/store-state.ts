import { DavLocks } from './locks.ts';
import { DavSubscriptions } from './subscriptions.ts';

/** What the server remembers between requests, beside the mailboxes. */
export interface DavStore {
  readonly subscriptions: DavSubscriptions;
  readonly locks: DavLocks;
}

export const newDavStore = (): DavStore => ({ subscriptions: new DavSubscriptions(), locks: new DavLocks() });
