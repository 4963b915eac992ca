import { type Fault, FaultError } from '#kit/fault.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { Context } from '../contract.ts';
import type { DavClient, DavReceipt } from './client.ts';
import { folderIdOfUrl, itemIdOfUrl, pathOfId } from './dav-ids.ts';
import { type DavName, names } from './dav-names.ts';
import { type Subject, statusFault } from './faults.ts';
import { type DavResponse, shownText } from './multistatus.ts';
import { parts } from './parts.ts';
import { propertyFind } from './value-forms.ts';

/** Resources of one bulk request; clients of these servers send no more (evolution-exchange `E2K_CONTEXT_MAX_BATCH_SIZE`). */
export const bulkMax = 100;

/** Requests about one mailbox. */
export interface MailboxRequests {
  readonly client: DavClient;
  readonly address: string;
  /** Path of the mailbox, with a slash at its end. */
  root(context: Context): Promise<string>;
}

const reading = (about: Subject['about'], operation = 'PROPFIND'): Subject => ({ operation, writes: false, about });

/** Properties of one resource. Throws FaultError. */
export async function findOne(
  { client, address }: Pick<MailboxRequests, 'client' | 'address'>,
  path: string,
  wanted: readonly DavName[],
  about: Subject['about'],
  context: Context,
): Promise<DavReceipt & { readonly response: DavResponse }> {
  const found: DavResponse[] = [];
  const receipt = await client.several(
    {
      method: 'PROPFIND',
      path,
      headers: { depth: '0', brief: 't' },
      body: propertyFind(wanted),
      mailbox: address,
      subject: reading(about),
      context,
    },
    (response) => found.push(response),
  );
  const [response] = found;
  const fault: Fault | null =
    response === undefined
      ? { kind: 'transient', detail: 'PROPFIND: the answer holds no resource', mayHaveHappened: false }
      : response.status === null
        ? null
        : statusFault(response.status, reading(about));
  if (response === undefined || fault !== null) throw new FaultError(fault ?? lost);
  return { ...receipt, response };
}

const lost: Fault = { kind: 'transient', detail: 'BPROPFIND: a resource was not answered', mayHaveHappened: false };

/**
 * Properties of many items or folders, answered by id in the order of the ids; what is not there has its fault in its place. Throws
 * FaultError when a request fails as a whole.
 */
export async function findMany<Id extends ItemId | FolderId>(
  requests: MailboxRequests,
  ids: readonly Id[],
  wanted: readonly DavName[],
  context: Context,
  onOddities: (oddities: Readonly<Record<string, number>>) => void = () => {},
): Promise<ReadonlyMap<Id, DavResponse | Fault>> {
  const found = new Map<Id, DavResponse | Fault>();
  if (ids.length === 0) return found;
  const root = await requests.root(context);
  const asked = wanted.includes(names.permanentUrl) ? wanted : [names.permanentUrl, ...wanted];
  const subject = reading(ids[0]?.includes('/') ? 'item' : 'folder', 'BPROPFIND');
  for (const some of parts(ids, bulkMax)) {
    const byId = new Map<string, DavResponse | Fault>();
    const { oddities } = await requests.client.several(
      {
        method: 'BPROPFIND',
        path: root,
        headers: { depth: '0', brief: 't' },
        body: propertyFind(
          asked,
          some.map((id) => pathOfId(root, id)),
        ),
        mailbox: requests.address,
        subject,
        context,
      },
      (response) => {
        const fault = response.status === null ? null : statusFault(response.status, subject);
        const address = shownText(response, names.permanentUrl) ?? response.href;
        const id = itemIdOfUrl(address)?.id ?? folderIdOfUrl(address);
        if (id !== null) byId.set(id, fault ?? response);
      },
    );
    onOddities(oddities);
    // What an answer passes over is not there: an address that means nothing may be left out or named by another one.
    for (const id of some) found.set(id, byId.get(id) ?? { kind: 'gone', detail: 'BPROPFIND: it is not there' });
  }
  return found;
}
