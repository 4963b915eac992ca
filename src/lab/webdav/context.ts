import type { Caller } from '../seams.ts';
import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import type { Hand, Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import { DavError } from './dav-error.ts';
import { flatPart, noOfFlatPart } from './marks.ts';
import { decodeStep, encodeStep, itemNames, nameOfStep, stepOfName } from './url-names.ts';

/** What a path leads to. */
export type Resource =
  | { readonly kind: 'folder'; readonly folder: Folder }
  | { readonly kind: 'item'; readonly item: Item }
  /** `inner`: of the message that the attachment is, the name of an attachment; null: the attachment itself. */
  | { readonly kind: 'attachment'; readonly item: Item; readonly name: string; readonly inner: string | null }
  /** Nothing is there, but its folder is. */
  | { readonly kind: 'missing'; readonly parent: Folder; readonly name: string }
  /** Not even its folder is there. */
  | { readonly kind: 'nowhere' }
  | { readonly kind: 'submission'; readonly mailbox: Mailbox };

const submissionName = '##DavMailSubmissionURI##';
const flatName = '-FlatUrlSpace-';
const hiddenName = 'NON_IPM_SUBTREE';

/** Steps of a path, decoded, without those that are empty. @throws DavError for one that cannot be decoded */
function stepsOf(path: string): readonly string[] {
  return (
    path
      .split('?', 1)[0]
      ?.split('/')
      .filter((step) => step !== '')
      .map((step) => {
        const decoded = decodeStep(step);
        // URLScan turns down what climbs or was encoded twice before the store sees it.
        if (decoded === null || decoded === '..' || decoded.includes('\u0000'))
          throw new DavError(404, 'the path holds what no path may hold');
        return decoded;
      }) ?? []
  );
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** One request, on behalf of somebody. Addresses are written as the request writes them. */
export class DavContext {
  readonly organization: Organization;
  readonly caller: Caller;
  /** `https://mail.source.test` */
  readonly origin: string;
  /** What the request calls mailboxes that have two names: alias or address. */
  readonly #aliases = new Map<Mailbox, string>();

  constructor(init: { readonly organization: Organization; readonly caller: Caller; readonly origin: string }) {
    this.organization = init.organization;
    this.caller = init.caller;
    this.origin = init.origin;
  }

  get nowMs(): number {
    return this.organization.world.surroundings.clock.nowMs();
  }

  /** There is no impersonation: whoever signed in is who wrote it. */
  hand(): Hand {
    const entry = this.organization.entry(this.caller.user);
    return { caller: this.caller.user, displayName: entry?.displayName ?? this.caller.user };
  }

  /** The mailbox a path names by alias or address, opened. @throws DavError */
  mailbox(name: string): Mailbox {
    const address = name.includes('@') ? name : `${name}@${this.organization.domain}`;
    const mailbox = this.organization.mailbox(address);
    if (mailbox === null) throw new DavError(404, 'there is no such mailbox');
    const { caller, organization } = this;
    // Receive-As on the store is what an administrator needs, and has no more than that.
    if (!organization.mayOpen(caller.user, mailbox.address) && !organization.mayImpersonate(caller, mailbox.address))
      throw new DavError(403, 'the account may not open this mailbox');
    this.#aliases.set(mailbox, name);
    return mailbox;
  }

  /** What a path or an address of this server leads to. @throws DavError */
  resolve(pathOrUrl: string): Resource {
    const steps = stepsOf(this.pathOf(pathOrUrl));
    const [root = '', name, ...rest] = steps;
    if (same(root, 'public')) return this.#within(this.organization.publicFolders.store, steps.slice(1));
    if (!same(root, 'exchange') || name === undefined) throw new DavError(404, 'there is nothing at this address');
    return this.#within(this.mailbox(name), rest);
  }

  /** The path of an address of this server. @throws DavError for one of another */
  pathOf(pathOrUrl: string): string {
    if (!/^https?:\/\//i.test(pathOrUrl)) return pathOrUrl;
    const url = URL.canParse(pathOrUrl) ? new URL(pathOrUrl) : null;
    if (url === null) throw new DavError(400, 'the address cannot be read');
    // By which of its names a server is called makes no difference to it.
    return url.pathname;
  }

  /** Where the paths of a store begin. */
  topOf(mailbox: Mailbox): Folder {
    const { organization } = this;
    return organization.isPublicStore(mailbox) ? organization.publicFolders.top : mailbox.folder('msgfolderroot');
  }

  #within(mailbox: Mailbox, steps: readonly string[]): Resource {
    const [first] = steps;
    if (first === flatName) return this.#flat(mailbox, steps.slice(1));
    if (this.organization.isPublicStore(mailbox)) return this.#walk(this.topOf(mailbox), steps);
    if (first === submissionName) return { kind: 'submission', mailbox };
    const hidden = first !== undefined && same(first, hiddenName);
    const top = hidden ? mailbox.root : this.topOf(mailbox);
    return this.#walk(top, hidden ? steps.slice(1) : steps);
  }

  #walk(top: Folder, steps: readonly string[]): Resource {
    let folder = top;
    for (const [at, step] of steps.entries()) {
      const child = this.childNamed(folder, step);
      if (child !== null) {
        folder = child;
        continue;
      }
      const rest = steps.slice(at + 1);
      const item = itemNames(folder).find(step);
      if (item !== null) return this.#atItem(item, rest);
      return rest.length === 0 ? { kind: 'missing', parent: folder, name: step } : { kind: 'nowhere' };
    }
    return { kind: 'folder', folder };
  }

  #atItem(item: Item, rest: readonly string[]): Resource {
    if (rest.length === 0) return { kind: 'item', item };
    // Deeper than what is attached to an attached message nothing is reached. (assumed)
    const [name = '', inner = null] = rest;
    return rest.length <= 2 ? { kind: 'attachment', item, name, inner } : { kind: 'nowhere' };
  }

  /** Permanent addresses go by source keys: of a folder, and of an item in it. */
  #flat(mailbox: Mailbox, [folderPart = '', itemPart, ...rest]: readonly string[]): Resource {
    const folderNo = noOfFlatPart(mailbox, folderPart);
    const folder = folderNo === null ? null : mailbox.folderByNo(folderNo);
    if (folder === null) return { kind: 'nowhere' };
    if (itemPart === undefined) return { kind: 'folder', folder };
    const itemNo = noOfFlatPart(mailbox, itemPart);
    const item = itemNo === null ? null : mailbox.itemByNo(itemNo);
    if (item === null || item.folder !== folder)
      return rest.length === 0 ? { kind: 'missing', parent: folder, name: itemPart } : { kind: 'nowhere' };
    return this.#atItem(item, rest);
  }

  childNamed(folder: Folder, step: string): Folder | null {
    const name = nameOfStep(step);
    for (const child of folder.children) {
      // The part that people see is not reached through the hidden one.
      if (child.role === 'msgfolderroot') continue;
      if (same(child.name, name)) return child;
    }
    return null;
  }

  #mailboxUrl(mailbox: Mailbox): string {
    if (this.organization.isPublicStore(mailbox)) return `${this.origin}/public`;
    const alias = this.#aliases.get(mailbox) ?? mailbox.address.slice(0, mailbox.address.indexOf('@'));
    return `${this.origin}/exchange/${encodeStep(alias)}`;
  }

  folderUrl(folder: Folder): string {
    const { mailbox } = folder;
    const base = this.#mailboxUrl(mailbox);
    const top = this.topOf(mailbox);
    const steps: string[] = [];
    for (let at = folder; at.parent !== null && at !== top; at = at.parent)
      steps.unshift(encodeStep(stepOfName(at.name)));
    const isVisible = folder.isInside(top);
    const path = [base, ...(isVisible ? [] : [hiddenName]), ...steps].join('/');
    return steps.length === 0 ? `${path}/` : path;
  }

  itemUrl(item: Item): string {
    return `${this.folderUrl(item.folder).replace(/\/$/, '')}/${encodeStep(itemNames(item.folder).of(item))}`;
  }

  /** @param names of an attachment, and of one inside of that. */
  attachmentUrl(item: Item, ...names: readonly string[]): string {
    return [this.itemUrl(item), ...names.map((name) => encodeStep(stepOfName(name)))].join('/');
  }

  submissionUrl(mailbox: Mailbox): string {
    return `${this.#mailboxUrl(mailbox)}/${encodeStep(submissionName)}/`;
  }

  permanentUrl(target: Folder | Item): string {
    const isItem = 'searchKey' in target;
    const folder = isItem ? target.folder : target;
    const { mailbox } = folder;
    const parts = [flatPart(mailbox, folder.no), ...(isItem ? [flatPart(mailbox, target.no)] : [])];
    return `${this.#mailboxUrl(mailbox)}/${flatName}/${parts.join('/')}`;
  }
}
