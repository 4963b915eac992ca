import { createHash } from 'node:crypto';
import type { Mailbox } from '../world/mailbox.ts';
import type { Context } from './context.ts';
import { badRequest, GraphError } from './graph-error.ts';
import { type Query, readQuery } from './odata-query.ts';

/** What a `$deltatoken` or `$skiptoken` stands for. Opaque for clients. */
export interface DeltaToken {
  /** `messages`, `mailFolders`, … */
  readonly kind: string;
  /** Number of the folder; 0: of the whole mailbox. */
  readonly folder: number;
  readonly base: number;
  readonly position: number;
  readonly initialTo: number | null;
  /** Query options of the first request: they go on for as long as the round does. */
  readonly query: string;
}

const checkOf = (text: string): string => createHash('sha256').update(`delta ${text}`).digest('base64url').slice(0, 8);

function write(mailbox: Mailbox, epoch: number, token: DeltaToken): string {
  const { kind, folder, base, position, initialTo, query } = token;
  const text = Buffer.from(
    JSON.stringify([kind, mailbox.guid, epoch, folder, base, position, initialTo, query]),
  ).toString('base64url');
  return `${text}${checkOf(text)}`;
}

/** (FACTS §4: 410 Gone with Location, SyncStateNotFound) */
function gone(context: Context): GraphError {
  return new GraphError(
    410,
    'SyncStateNotFound',
    'The sync state generation is not found; a full synchronization is needed.',
    { location: `${context.origin}/${context.version}${context.path}` },
  );
}

function read(context: Context, kind: string, folder: number, text: string): DeltaToken {
  const body = text.slice(0, -8);
  // Not one that was ever given out. (CORSO: SyncStateInvalid)
  if (checkOf(body) !== text.slice(-8)) throw new GraphError(400, 'SyncStateInvalid', 'Badly formed token.');
  const fields = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as readonly [
    string,
    string,
    number,
    number,
    number,
    number,
    number | null,
    string,
  ];
  const [ofKind, guid, epoch, ofFolder, base, position, initialTo, query] = fields;
  if (ofKind !== kind || ofFolder !== folder)
    throw new GraphError(400, 'SyncStateInvalid', 'The token does not belong to this collection.');
  // Another mailbox under the address, a forgotten state, or a future that never was.
  if (
    guid !== context.mailbox.guid ||
    epoch !== context.state.epoch ||
    Math.max(base, position) > context.mailbox.lastCn ||
    context.strike('stale-state') !== null
  )
    throw gone(context);
  return { kind, folder, base, position, initialTo, query };
}

/** Where a round stands, and the options it began with. */
export interface Round {
  /** Null: from the beginning. */
  readonly token: DeltaToken | null;
  readonly query: Query;
}

/** Reads the token of a delta request; without one a round begins. @throws GraphError */
export function roundOf(context: Context, kind: string, folder: number): Round {
  const { deltaToken, skipToken } = context.query;
  if (deltaToken !== null && skipToken !== null) throw badRequest('There may be one token only.');
  const text = deltaToken ?? skipToken;
  if (text === null || text === '') return { token: null, query: context.query };
  // `latest`: from now on, without what is there. Of directory objects only.
  if (text === 'latest') throw badRequest("The token 'latest' is not supported for this resource.");
  const token = read(context, kind, folder, text);
  return { token, query: readQuery(token.query) };
}

/** `@odata.nextLink` or `@odata.deltaLink` for where the round stands now. */
export function linkOf(context: Context, next: DeltaToken, isComplete: boolean): Readonly<Record<string, string>> {
  const token = write(context.mailbox, context.state.epoch, next);
  const url = `${context.origin}/${context.version}${context.path}`;
  return isComplete
    ? { '@odata.deltaLink': `${url}?$deltatoken=${token}` }
    : { '@odata.nextLink': `${url}?$skiptoken=${token}` };
}
