import type { Clock } from '#kit/clock.ts';
import type { Context } from '../contract.ts';
import type { GraphClient } from './graph-client.ts';
import type { ImportSession } from './import-session.ts';
import type { ServerIds } from './server-ids.ts';

/** What the parts of a mailbox share. */
export interface MailboxTools {
  readonly client: GraphClient;
  readonly address: string;
  readonly clock: Clock;
  /** `/users/…` of this mailbox. */
  readonly user: string;
  /** False in clouds without the import API: nothing can be created there, and events, contacts, tasks and notes cannot be read. */
  readonly hasImport: boolean;
  /** `MBX:…`, by which the import API names the mailbox. */
  readonly mailboxId: (context: Context) => Promise<string>;
  /** What was learned of the mailbox is no good any more. */
  readonly forget: () => void;
  /** `/admin/exchange/mailboxes/…` of this mailbox. */
  readonly adminPath: (context: Context) => Promise<string>;
  readonly imports: ImportSession;
  readonly ids: ServerIds;
}
