import { type EntraDirectoryOptions, entraDirectory } from '#connectors/directory/entra/entra-directory.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { Transport } from '#kit/transport.ts';
import type { Application } from '#lab/edge/oauth.ts';
import { type EntraState, entraOf } from '#lab/graph/entra-state.ts';
import { type GraphState, graphStateOf } from '#lab/graph/graph-state.ts';
import { createLab, type Lab, type LabOrganizationOptions } from '#lab/lab.ts';
import type { Entry } from '#lab/world/directory/entry.ts';
import type { Value } from '#lab/world/directory/schema.ts';
import type { Organization } from '#lab/world/organization.ts';
import type { Attributes, DirectoryKind, ObjectGuid } from '#model/directory/directory-object.ts';

/** Application with the given roles only. */
export const narrowId = '5c0bed00-0000-4000-8000-0000000000aa';

/** A tenant of the lab, its directory over Graph, and its administrator. */
export class EntraLab {
  readonly lab: Lab;
  readonly clock: Clock;
  readonly organization: Organization;
  readonly graph: GraphState;
  readonly entra: EntraState;
  #made = 0;

  constructor(
    options: Partial<LabOrganizationOptions> & {
      readonly clock?: Clock;
      readonly roles?: readonly string[];
      readonly scoped?: Application['scoped'];
    } = {},
  ) {
    const { clock = new SteppingClock(Date.UTC(2026, 2, 2, 9)), roles = [], scoped, ...organization } = options;
    this.clock = clock;
    this.lab = createLab({
      organizations: [
        {
          name: 'target',
          version: 'online',
          mailboxes: 4,
          applications: [
            {
              clientId: narrowId,
              secrets: ['narrow'],
              certificates: [],
              roles,
              ...(scoped === undefined ? {} : { scoped }),
            },
          ],
          ...organization,
        },
      ],
      throttling: 'off',
      seed: 'entra',
      clock,
    });
    this.organization = this.lab.organization('target').world;
    this.graph = graphStateOf(this.organization);
    this.entra = entraOf(this.organization);
  }

  /** The directory as a migration opens it. */
  open({
    clientId,
    secret,
    endpoint = `https://graph.${this.organization.domain}`,
    transport = this.lab.transport(),
    ...more
  }: Partial<EntraDirectoryOptions> & {
    readonly clientId?: string;
    readonly secret?: string;
    readonly transport?: Transport;
  } = {}) {
    const application = must(this.lab.organization('target').applications[0], 'an application');
    const { domain } = this.organization;
    const surroundings = {
      clock: this.clock,
      random: seededRandom('entra'),
      transport,
      tls: { ca: [], min: '1.2' } as const,
    };
    const signIn = createSignIn(
      {
        method: 'oauth',
        tenant: domain,
        clientId: clientId ?? application.clientId,
        credential: { kind: 'secret', secret: async () => secret ?? must(application.secrets[0], 'a secret') },
        authority: `https://login.${domain}`,
        scope: `https://graph.${domain}/.default`,
      },
      surroundings,
    );
    const http = graphHttp({ ...surroundings, endpoint, signIn });
    return entraDirectory({ http, endpoint, clock: this.clock, ...more });
  }

  get #first() {
    return this.organization.forest.first;
  }
  entry(guid: string): Entry {
    return must(this.#first.byGuid(guid), `an object ${guid}`);
  }

  /** Makes an object as Exchange and Entra do between them. Names of other objects are ids. */
  make(kind: DirectoryKind, name: string, attributes: Attributes): ObjectGuid {
    const { forest } = this.organization;
    const entry = this.#first.add(
      forest.system,
      `CN=object ${++this.#made},CN=Users,${forest.domainDn}`,
      new Map([['objectClass', [Buffer.from(kind)]]]),
    );
    this.set(entry.guid as ObjectGuid, { displayName: [name], ...attributes });
    return entry.guid as ObjectGuid;
  }

  set(guid: ObjectGuid, attributes: Attributes): void {
    const entries = Object.entries(attributes).map(([name, values]): [string, readonly Value[]] => [
      name === 'ms-DS-ConsistencyGuid' ? 'mS-DS-ConsistencyGuid' : name,
      /^ms-DS-ConsistencyGuid$|^msExchMailboxGuid$/i.test(name) ? values.map((hex) => Buffer.from(hex, 'hex')) : values,
    ]);
    this.#first.put(this.entry(guid), Object.fromEntries(entries));
  }

  remove(guid: ObjectGuid): void {
    const { forest } = this.organization;
    this.#first.remove(forest.system, this.#first.dnOf(this.entry(guid)));
  }

  /** Id of somebody by address. */
  idOf(address: string): ObjectGuid {
    const [entry] = this.#first.having('proxyAddresses', `smtp:${address}`);
    return must(entry, `somebody with the address ${address}`).guid as ObjectGuid;
  }
}
