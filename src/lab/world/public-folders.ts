import { must } from '#kit/assert.ts';
import { guidOf } from './account.ts';
import type { Folder } from './folder.ts';
import { Mailbox } from './mailbox.ts';
import type { Organization } from './organization.ts';

const nothing = { mail: 0, appointment: 0, contact: 0, task: 0, note: 0, calendars: [] } as const;

/** The public folders of an organization: one tree, which everybody who has an account may look into. */
export class PublicFolders {
  /** What keeps them. Its address is nobody's. */
  readonly store: Mailbox;
  /** What people see stands below. */
  readonly top: Folder;
  /** Folders that only their owners may look into. */
  readonly closed = new Set<Folder>();

  constructor(organization: Organization) {
    const address = `public folders@${organization.domain}`;
    const guid = guidOf('public folders', organization.world.seed, organization.domain);
    const entry = { index: 0, address, displayName: 'Public Folders', user: address, password: '', guid };
    this.store = new Mailbox(organization, entry, nothing);
    // A store begins with the folders of a mailbox. One in which nothing lies stands for IPM_SUBTREE; the others nobody reaches.
    this.top = must(this.store.defaults.get('commonviews'), 'an empty folder');
  }
}
