import { type Fault, FaultError } from '#kit/fault.ts';
import type { Payload } from '#kit/payload.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { type StampText, stampKey } from '#model/stamp.ts';
import type { Context, Written } from '../contract.ts';
import { headerIn } from '../http/headers.ts';
import { itemIdOfUrl, pathOfId } from './dav-ids.ts';
import { type DavName, names } from './dav-names.ts';
import { type Subject, statusFault } from './faults.ts';
import { stampName, unfinishedName, type WrittenDraft } from './mail-codec.ts';
import { type DavResponse, shownText } from './multistatus.ts';
import { findOne, type MailboxRequests } from './resources.ts';
import { type DavValue, propertyUpdate } from './value-forms.ts';

const writing = (operation: string): Subject => ({ operation, writes: true, about: 'item' });

/** Sets and removes properties of one item. `stale` when it is no longer at the version. */
export async function patch(
  { client, address }: Pick<MailboxRequests, 'client' | 'address'>,
  path: string,
  set: readonly DavValue[],
  remove: readonly DavName[],
  condition: { readonly expect: Version } | 'new' | null,
  context: Context,
): Promise<void> {
  const subject = writing('PROPPATCH');
  let refused: Fault | null = null;
  await client.several(
    {
      method: 'PROPPATCH',
      path,
      headers: {
        translate: 'f',
        ...(condition === null
          ? {}
          : condition === 'new'
            ? { 'if-none-match': '*' }
            : { 'if-match': condition.expect }),
      },
      body: propertyUpdate(set, remove),
      mailbox: address,
      subject,
      context,
    },
    (response) => {
      if (response.status !== null) refused ??= statusFault(response.status, subject);
      // Removing what is not there is done; anything else that was not written must not pass for written.
      for (const [name, status] of response.refused) {
        if (status === 404) continue;
        refused ??=
          status === 424 || status >= 500
            ? statusFault(status, subject)
            : { kind: 'poison', reason: 'refused-by-target', detail: `PROPPATCH: HTTP ${status} for ${name}` };
      }
    },
  );
  if (refused !== null) throw new FaultError(refused);
}

/** Writes the content of an item, keeping the properties that it has. */
export async function put(
  { client, address }: Pick<MailboxRequests, 'client' | 'address'>,
  path: string,
  content: Payload,
  contentType: string,
  context: Context,
): Promise<void> {
  await client.plain({
    method: 'PUT',
    path,
    headers: { translate: 'f', 'content-type': contentType },
    body: {
      stream: { [Symbol.asyncIterator]: () => content.bytes()[Symbol.asyncIterator]() },
      sizeBytes: content.sizeBytes,
    },
    mailbox: address,
    subject: writing('PUT'),
    // Over a limit of the store or of IIS: there is no other status for it in these versions.
    faults: content.sizeBytes > largeBytes ? tooLarge(content.sizeBytes) : {},
    context,
  });
}

/** A refusal of something smaller has another reason than its size. */
const largeBytes = 1024 * 1024;
const tooLarge = (sizeBytes: number): Readonly<Record<number, Fault>> =>
  Object.fromEntries(
    [400, 403, 404, 413].map((status) => [
      status,
      {
        kind: 'poison',
        reason: 'too-large',
        detail: `PUT of ${sizeBytes} bytes: HTTP ${status}, over a limit of the server (message size, AspMaxRequestEntityAllowed, URLScan MaxAllowedContentLength)`,
      } satisfies Fault,
    ]),
  );

/** Removes an item into the dumpster of its folder, from which Outlook brings it back as long as the store retains deleted items. */
export async function erase(
  { client, address }: Pick<MailboxRequests, 'client' | 'address'>,
  path: string,
  expect: Version | null,
  context: Context,
): Promise<void> {
  await client.plain({
    method: 'DELETE',
    path,
    headers: expect === null ? {} : { 'if-match': expect },
    mailbox: address,
    subject: writing('DELETE'),
    context,
  });
}

/** Moves an item into a folder. @param to Path of the folder. Returns where it is, as the server says. */
export async function moveTo(
  { client, address }: Pick<MailboxRequests, 'client' | 'address'>,
  path: string,
  to: string,
  name: string,
  context: Context,
): Promise<string> {
  const destination = `${to}${encodeURIComponent(name)}`;
  const { headers } = await client.plain({
    method: 'MOVE',
    path,
    headers: { destination, overwrite: 'F', 'allow-rename': 't' },
    mailbox: address,
    subject: writing('MOVE'),
    context,
  });
  return pathOfUrl(headerIn(headers, 'location')) ?? destination;
}

/** Path of an absolute or relative address; null when it is none. */
export function pathOfUrl(url: string | null): string | null {
  if (url === null) return null;
  const path = url.replace(/^https?:\/\/[^/]*/i, '');
  return path.startsWith('/') ? path : null;
}

const idNames: readonly DavName[] = [names.permanentUrl, names.etag];

/** Id and version of what is at an address. */
export async function lookAt(
  requests: Pick<MailboxRequests, 'client' | 'address'>,
  path: string,
  context: Context,
  more: readonly DavName[] = [],
): Promise<Written & { readonly folder: FolderId; readonly response: DavResponse }> {
  const { response } = await findOne(requests, path, [...idNames, ...more], 'item', context);
  const found = itemIdOfUrl(shownText(response, names.permanentUrl) ?? '');
  const version = shownText(response, names.etag)?.trim() ?? '';
  if (found === null || version === '')
    throw new FaultError({
      kind: 'transient',
      detail: 'PROPFIND: an item came without its permanent address',
      mayHaveHappened: true,
    });
  return { ...found, version: version as Version, response };
}

/** The name under which everything with this stamp is created: who creates it twice meets the first. */
export const nameOfStamp = (stamp: StampText): string => `${stampKey(stamp)}.EML`;

/**
 * Creates an item in steps, since no single request can carry content and properties:
 *
 * 1. PROPPATCH under the name of its stamp, only if there is nothing: class, message flags, and a mark that it is not finished;
 * 2. `fill` writes the content;
 * 3. PROPPATCH sets the stamp and everything else, and takes the mark away.
 *
 * Whatever is lost or breaks off in between leaves an item that the feed does not show and that nobody takes for a copy: its name is
 * found by `settle`, which removes it, or finds that it is finished.
 */
export async function createUnderStamp(
  requests: Pick<MailboxRequests, 'client' | 'address'>,
  folderPath: string,
  stamp: StampText,
  { before, after }: WrittenDraft,
  fill: (path: string) => Promise<void>,
  context: Context,
): Promise<{ readonly path: string; readonly found: Written | null }> {
  const path = folderPath + nameOfStamp(stamp);
  const begin = () => patch(requests, path, before, [], 'new', context);
  try {
    await begin();
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'stale') throw error;
    const found = await settle(requests, path, stamp, context);
    if (found !== null) return { path, found };
    await begin();
  }
  try {
    await fill(path);
    await patch(requests, path, after, [unfinishedName], null, context);
  } catch (error) {
    // Refused: nothing of it may stay. An answer that was lost is looked into by whoever asks for the stamp.
    if (error instanceof FaultError && error.fault.kind !== 'transient' && error.fault.kind !== 'throttled')
      await erase(requests, path, null, context).catch(() => {});
    throw error;
  }
  return { path, found: null };
}

/** What stands under the name of a stamp: the finished item, or null. One that is not finished is removed. */
export async function settle(
  requests: Pick<MailboxRequests, 'client' | 'address'>,
  path: string,
  stamp: StampText,
  context: Context,
): Promise<Written | null> {
  try {
    const { id, version, response } = await lookAt(requests, path, context, [stampName, unfinishedName]);
    const unfinished = shownText(response, unfinishedName);
    if (unfinished === null && shownText(response, stampName) === stamp) return { id, version };
    if (unfinished !== stamp)
      throw new FaultError({ kind: 'stale', detail: 'something else exists under the name of a stamp' });
    await erase(requests, path, version, context);
    return null;
  } catch (error) {
    if (error instanceof FaultError && error.fault.kind === 'gone') return null;
    throw error;
  }
}

/** Path of an item under its id. */
export const itemPath = async (requests: MailboxRequests, id: ItemId, context: Context): Promise<string> =>
  pathOfId(await requests.root(context), id);
