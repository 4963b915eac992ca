import { createHash } from 'node:crypto';
import type { XmlElement } from '#formats/text/xml-read.ts';
import type { FeedState, Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { childOf, type DavAnswer, type DavCall, isBrief, multistatus } from './dav-call.ts';
import { DavError } from './dav-error.ts';
import { namespaces } from './dav-name.ts';
import { folderReplId, folderResourceTag, itemReplId, itemResourceTag } from './marks.ts';
import type { DavResponse } from './multistatus.ts';
import { askedBy, folderOfScope, responseFor, rowOf } from './query-rows.ts';
import type { Query } from './sql.ts';
import { matches } from './sql-match.ts';

// Manifests: a SEARCH that answers what has changed since a mark that the client keeps. (Exchange SDK: ms877317 to ms877321)

/** Where a client has got to; opaque to it. */
interface Mark {
  readonly folderNo: number;
  /** Of the items; null: only folders were asked for. */
  readonly items: FeedState | null;
  /** Change number up to which the client knows the folders. */
  readonly foldersCn: number;
}

const checkOf = (mailbox: Mailbox, body: Buffer): Buffer =>
  createHash('sha256').update(mailbox.guid).update(body).digest().subarray(0, 8);

function writeMark(mailbox: Mailbox, { folderNo, items, foldersCn }: Mark): string {
  const body = Buffer.alloc(25);
  body.writeUInt8(items === null ? 0 : 1, 0);
  body.writeUIntBE(folderNo, 1, 6);
  body.writeUIntBE(items?.base ?? 0, 7, 6);
  body.writeUIntBE(items?.position ?? 0, 13, 6);
  body.writeUIntBE(foldersCn, 19, 6);
  return Buffer.concat([checkOf(mailbox, body), body]).toString('base64');
}

/** A mark of another folder, another mailbox, or none at all is refused, and the client begins anew. (assumed) */
function readMark(folder: Folder, text: string): Mark {
  const bytes = Buffer.from(text, 'base64');
  const body = bytes.subarray(8);
  const ours = body.length === 25 && bytes.subarray(0, 8).equals(checkOf(folder.mailbox, body));
  if (!ours || body.readUIntBE(1, 6) !== folder.no)
    throw new DavError(400, 'the collblob is not of this folder: begin with an empty one');
  return {
    folderNo: folder.no,
    items:
      body.readUInt8(0) === 0
        ? null
        : { base: body.readUIntBE(7, 6), position: body.readUIntBE(13, 6), initialTo: null },
    foldersCn: body.readUIntBE(19, 6),
  };
}

interface Changes {
  readonly changed: readonly (Folder | Item)[];
  readonly deleted: readonly { readonly id: string; readonly href: string }[];
  readonly mark: Mark;
  readonly isEmpty: boolean;
}

export function manifest(call: DavCall, query: Query, repl: XmlElement): DavAnswer {
  const { context } = call;
  const [scope, ...more] = query.from;
  if (scope === undefined || more.length > 0) throw new DavError(422, 'a manifest is of one folder');
  const folder = folderOfScope(call, scope);
  if (scope.traversal === 'deep') throw new DavError(422, 'a manifest is of one folder, or of a tree of folders');
  const stale = context.organization.world.surroundings.faults.strike('stale-state', {
    organization: context.organization.name,
    mailbox: folder.mailbox.address,
    operation: 'SEARCH',
  });
  const given = childOf(repl, 'collblob')?.text.trim() ?? '';
  if (given !== '' && stale !== null) throw new DavError(400, 'the collblob is too old: begin with an empty one');
  const before = given === '' ? null : readMark(folder, given);
  const row = rowOf(context);
  const wanted = (target: Folder | Item): boolean => query.where === null || matches(query.where, row(target));
  const { changed, deleted, mark, isEmpty } = changesOf(call, folder, scope.traversal === 'hierarchical', before);
  if (before !== null && isEmpty) return multistatus(call, { responses: [], collblob: null });
  const known = new Set(
    (childOf(repl, 'resourcetaglist')?.children ?? []).map(({ text }) => text.trim()).filter((text) => text !== ''),
  );
  const tagOf = (target: Folder | Item): string =>
    'searchKey' in target ? itemResourceTag(target) : folderResourceTag(target);
  const asked = askedBy(query);
  const brief = isBrief(call);
  const changeType = before === null ? {} : ({ changeType: 'change' } as const);
  const responses: DavResponse[] = changed
    .filter((target) => wanted(target) && !known.has(tagOf(target)))
    .map((target) => ({ ...responseFor(target, asked, context, brief), ...changeType }));
  const name = { name: { ns: namespaces.repl, local: 'repl-uid' }, alias: null };
  for (const { id, href } of deleted)
    responses.push({
      href,
      changeType: 'delete',
      propstats: [{ status: 200, properties: [[name, { type: 'String', value: id }]] }],
    });
  return multistatus(call, { responses, collblob: writeMark(folder.mailbox, mark) });
}

const pageMax = 100_000;

function changesOf(call: DavCall, folder: Folder, onlyFolders: boolean, before: Mark | null): Changes {
  const { mailbox } = folder;
  const { context } = call;
  const changed: (Folder | Item)[] = [];
  const deleted: { id: string; href: string }[] = [];
  const below = onlyFolders ? mailbox.below(folder) : folder.children;
  for (const child of below)
    if (child.role !== 'msgfolderroot' && (before === null || child.cn > before.foldersCn)) changed.push(child);
  if (before !== null)
    for (const gone of mailbox.deletedFolders)
      if (gone.cn > before.foldersCn)
        deleted.push({ id: folderReplId(gone.folder), href: context.permanentUrl(gone.folder) });
  let items: FeedState | null = null;
  if (!onlyFolders) {
    items = before?.items ?? null;
    let complete = false;
    while (!complete) {
      const page = folder.changes(items, pageMax, () => true);
      for (const { kind, item } of page.changes)
        if (kind === 'delete') deleted.push({ id: itemReplId(item), href: context.permanentUrl(item) });
        // What was read changes no mark of an item, so no manifest tells it. (evolution-exchange docs/mail; assumed of manifests)
        else if (kind !== 'read-flag') changed.push(item);
      items = page.state;
      complete = page.complete;
    }
  }
  const unique = [...new Set(changed)];
  return {
    changed: unique,
    deleted,
    mark: { folderNo: folder.no, items, foldersCn: mailbox.lastCn },
    isEmpty: unique.length === 0 && deleted.length === 0,
  };
}
