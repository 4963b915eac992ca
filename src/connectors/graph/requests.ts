import type { Fault } from '#kit/fault.ts';
import type { ItemId } from '#model/ids.ts';
import type { Context } from '../contract.ts';
import type { GraphRequest } from './graph-client.ts';
import { splitItemId } from './item-ids.ts';
import { type JsonObject, textAt } from './json.ts';
import type { MailboxTools } from './mailbox-tools.ts';

/** Pages of one listing; a service that never comes to an end is stopped here. */
export const pageMax = 10_000;

export const getting = (path: string, name: string, about: GraphRequest['subject']['about']): GraphRequest => ({
  method: 'GET',
  path,
  name,
  subject: { writes: false, about },
});

/** One request about the mailbox of the tools. Throws FaultError. */
export const ask = ({ client, address }: MailboxTools, request: GraphRequest, context: Context): Promise<JsonObject> =>
  client.call(request, address, context);

/** Several, each with its own fault. Throws FaultError for what concerns all of them. */
export const askAll = (
  { client, address }: MailboxTools,
  requests: readonly GraphRequest[],
  context: Context,
): Promise<readonly (JsonObject | Fault)[]> => client.batch(requests, address, context);

/** Where a listing goes on; null: it came to its end. */
export function nextPath({ client }: MailboxTools, answer: JsonObject): string | null {
  const link = textAt(answer, '@odata.nextLink');
  return link === null ? null : client.pathOfLink(link);
}

export const messagePath = ({ user }: MailboxTools, id: ItemId): string =>
  `${user}/messages/${encodeURIComponent(splitItemId(id).serverId)}`;

export const shapeless = (name: string, what: string): Fault => ({
  kind: 'fatal',
  code: 'protocol',
  detail: `the answer to ${name} lacks ${what}`,
});
