import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import type { EwsPost } from '#connectors/ews/ews-http.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { retried } from '#connectors/wrappers/retried.ts';
import type { Random } from '#kit/random.ts';
import type { Lab } from '#lab/lab.ts';
import type { Life } from '../stage.ts';
import type { RequestMix } from './mix.ts';
import type { Wire } from './wire.ts';

const tls = { ca: [], min: '1.2' } as const;

/** What may happen between a program and a server of the lab. */
export interface OnTheWay {
  readonly random: Random;
  readonly mix: () => RequestMix;
  /** People of the mailbox work between two requests. @param next The one that is made then. */
  readonly people: (next: EwsPost) => void;
  readonly stall: () => Promise<void>;
}

/** The real EWS connector, as a job uses it in one life of the program, on its way to an organization of the lab in this process. */
export function labConnector(lab: Lab, name: string, wire: Wire, life: Life, way: OnTheWay): Connector {
  const { domain, world } = lab.organization(name);
  const surroundings = { clock: wire.clockOf(life), random: way.random };
  const transport = lab.transport();
  const { user, password } = world.admin;
  const signIn = createSignIn(
    { method: 'basic', user, password: async () => password },
    { ...surroundings, transport, tls },
  );
  const server = ewsHttp({
    ...surroundings,
    transport,
    endpoint: `https://mail.${domain}/EWS/Exchange.asmx`,
    tls,
    signIn,
    // Packing is done by threads, whose order is nobody's.
    compress: false,
  });
  const connector = ewsConnector({
    ...surroundings,
    organization: name,
    http: wire.http(server, life, way, way),
    impersonate: true,
    spoolDir: join(tmpdir(), 'causeway-simulation-keeps-all-in-memory'),
  });
  return retried(connector, surroundings);
}
