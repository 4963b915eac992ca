import { FaultError } from '#kit/fault.ts';
import type { HttpRequest, HttpResponse } from '#kit/transport.ts';
import type { Context } from '../contract.ts';
import { requireEncryption, type SignIn } from '../sign-in/sign-in.ts';
import { giveUp } from './answer-body.ts';
import type { Lease } from './connection-pool.ts';
import { type ConnectionsOptions, connections, lateFault } from './connections.ts';
import { type Deadline, deadline } from './deadline.ts';
import { type RedirectRules, redirectRule } from './redirects.ts';

export interface SignedHttpOptions extends ConnectionsOptions, Omit<RedirectRules, 'home' | 'hosts'> {
  readonly endpoint: string;
  readonly signIn: SignIn;
  readonly redirectHosts: readonly string[];
}

/** One request, wherever it is sent to in the end. */
export interface SignedCall<T> {
  /** Address of the mailbox that it is about: front ends may send each to a server of its own, which is remembered. Empty: none. */
  readonly mailbox: string;
  readonly context: Context;
  /** Whether something may have been written when the answer comes too late. */
  readonly writes: boolean;
  readonly connections: { readonly group?: string; readonly max: number };
  /** @param route where requests about the mailbox were sent to before; null: nobody sent them anywhere. */
  url(route: URL | null): URL;
  request(url: URL): HttpRequest;
  /** Told of every answer, redirects included. */
  heard?(url: URL, response: HttpResponse): void;
  /** Makes something of an answer that is no redirect; it frees the lease and the deadline when the body has been read. */
  answer(response: HttpResponse, at: Answered): Promise<T> | T;
}

export interface Answered {
  readonly url: URL;
  readonly lease: Lease;
  readonly call: Deadline;
}

/** Requests signed in, redirects followed, connections kept. */
export interface SignedHttp {
  /** Throws FaultError: of the network, of sign-in, `redirect` when it is sent where it must not go, and what `answer` throws. */
  send<T>(call: SignedCall<T>): Promise<T>;
  /** Closes idle connections now and the others as they come back. */
  close(): void;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 451]);
const redirectMax = 5;
const routesMax = 10_000;

export function signedHttp(options: SignedHttpOptions): SignedHttp {
  const { signIn, clock, allowPlain } = options;
  const home = new URL(options.endpoint);
  const follow = redirectRule({ ...options, home, hosts: options.redirectHosts });
  const kept = connections(options);
  const routes = new Map<string, URL>();
  requireEncryption(home, allowPlain);

  const exchange = <T>(url: URL, { connections: of, request, writes }: SignedCall<T>, call: Deadline) =>
    kept.use(url, of, call, async (lease) => {
      const response = await signIn.send(lease.connection, url, request(url), call.signal);
      if (call.passed) throw new FaultError(lateFault(url.host, writes));
      return { response, lease };
    });

  return {
    async send(asked) {
      kept.refuseIfClosed(home.host);
      const call = deadline(clock, asked.context.signal, asked.context.deadlineMs);
      const key = asked.mailbox.toLowerCase();
      const first = asked.url(routes.get(key) ?? null);
      let url = first;
      try {
        for (let hop = 0; hop <= redirectMax; hop++) {
          const { response, lease } = await exchange(url, asked, call);
          try {
            asked.heard?.(url, response);
            if (!redirects.has(response.status)) {
              const answer = await asked.answer(response, { url, lease, call });
              if (url !== first) {
                if (routes.size >= routesMax) routes.clear();
                routes.set(key, url);
              }
              return answer;
            }
            url = follow(url, response);
          } catch (error) {
            await giveUp(response, lease);
            throw error;
          }
          await giveUp(response, lease);
        }
        throw new FaultError({
          kind: 'fatal',
          code: 'redirect',
          detail: `${home.host} redirects more than ${redirectMax} times; the last address was ${url.origin}${url.pathname}. Give the endpoint that answers`,
        });
      } catch (error) {
        call.release();
        routes.delete(key);
        throw error;
      }
    },
    close: () => kept.close(),
  };
}
