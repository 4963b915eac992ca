import { guidOf } from '../world/account.ts';
import type { MailboxEntry } from '../world/organization.ts';
import { type Entry, page, select, subjectOf } from './collection.ts';
import type { Context } from './context.ts';
import { GraphError } from './graph-error.ts';
import type { Query } from './odata-query.ts';
import { type Json, ok, type Route } from './route.ts';

function userJson(entry: MailboxEntry, query: Query): Json {
  const space = entry.displayName.indexOf(' ');
  const shown = {
    businessPhones: [],
    displayName: entry.displayName,
    givenName: entry.displayName.slice(0, Math.max(0, space)),
    jobTitle: null,
    mail: entry.address,
    mobilePhone: null,
    officeLocation: null,
    preferredLanguage: null,
    surname: entry.displayName.slice(space + 1),
    userPrincipalName: entry.user,
    id: entry.guid,
  };
  // More is there for who selects it. (user resource)
  const more = {
    mailNickname: entry.address.slice(0, entry.address.indexOf('@')),
    proxyAddresses: [`SMTP:${entry.address}`],
    accountEnabled: true,
    userType: 'Member',
  };
  return select(query.select === null ? shown : { ...shown, ...more }, query);
}

const userEntry = (entry: MailboxEntry): Entry => ({
  subject: subjectOf({
    id: () => entry.guid,
    displayName: () => entry.displayName,
    mail: () => entry.address,
    userPrincipalName: () => entry.user,
  }),
  json: (query) => userJson(entry, query),
});

/** The user whom a path names: by id or sign-in name. */
export function userOf(context: Pick<Context, 'organization'>, id: string): MailboxEntry {
  const { organization } = context;
  const lower = id.toLowerCase();
  const entry = organization.entry(lower) ?? organization.mailboxes.find(({ guid }) => guid === lower) ?? null;
  if (entry === null)
    throw new GraphError(
      404,
      'Request_ResourceNotFound',
      `Resource '${id.slice(0, 100)}' does not exist or one of its queried reference-property objects are not present.`,
    );
  return entry;
}

export const userRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: 'users',
    needs: 'usersRead',
    run: (context) => ok(page(context, 'users', context.organization.mailboxes.map(userEntry), 100)),
  },
  {
    method: 'GET',
    path: 'users/{user}',
    needs: 'usersRead',
    run: (context, parameters) =>
      ok({
        '@odata.context': context.contextOf('users/$entity'),
        ...userJson(userOf(context, parameters['user'] ?? ''), context.query),
      }),
  },
  {
    method: 'GET',
    path: 'organization',
    needs: 'organizationRead',
    run: (context) =>
      ok({
        '@odata.context': context.contextOf('organization'),
        value: [
          {
            id: guidOf('tenant', context.organization.name, context.organization.domain),
            displayName: context.organization.name,
            verifiedDomains: [{ name: context.organization.domain, isDefault: true, isInitial: true, type: 'Managed' }],
          },
        ],
      }),
  },
];
