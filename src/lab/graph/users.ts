import { guidOf } from '../world/account.ts';
import { primaryAddress } from '../world/directory/recipients.ts';
import type { MailboxEntry } from '../world/organization.ts';
import type { Context } from './context.ts';
import { noResource } from './directory-writes.ts';
import { GraphError } from './graph-error.ts';
import { ok, type Route } from './route.ts';

/** Id of the tenant. */
const tenantIdOf = ({ name, domain }: Context['organization']): string => guidOf('tenant', name, domain);

/** The mailbox of the user whom a path names: by address, by id of the mailbox, or by id of the user. */
export function userOf(context: Pick<Context, 'organization'>, id: string): MailboxEntry {
  const { organization } = context;
  const lower = id.toLowerCase();
  const known = organization.entry(lower) ?? organization.mailboxes.find(({ guid }) => guid === lower) ?? null;
  if (known !== null) return known;
  const user = /^[0-9a-f]{8}-/.test(lower) ? organization.forest.first.byGuid(lower) : null;
  if (user === null || user.isDeleted) throw noResource(id);
  const address = primaryAddress(organization.forest.first, user);
  const entry = address === null ? null : organization.entry(address);
  // A user without a mailbox here: none at all, a mail user, or somebody on premises.
  if (entry === null)
    throw new GraphError(
      404,
      'MailboxNotEnabledForRESTAPI',
      'The mailbox is either inactive, soft-deleted, or is hosted on-premise.',
    );
  return entry;
}

export const userRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: 'organization',
    needs: 'organizationRead',
    run: (context) =>
      ok({
        '@odata.context': context.contextOf('organization'),
        value: [
          {
            id: tenantIdOf(context.organization),
            displayName: context.organization.name,
            verifiedDomains: [{ name: context.organization.domain, isDefault: true, isInitial: true, type: 'Managed' }],
          },
        ],
      }),
  },
];
