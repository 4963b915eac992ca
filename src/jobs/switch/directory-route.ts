import type { Context } from '#connectors/contract.ts';
import type { Directory } from '#connectors/directory/contract.ts';
import { addressesOf, answersTo, redirect, redirectionOf, routingAttributes } from '#engine/switch/redirection.ts';
import { FaultError } from '#kit/fault.ts';
import type { DirectoryObject } from '#model/directory/directory-object.ts';
import type { Route, RouteEntry, Turned } from './ports.ts';

export interface DirectoryRouteOptions {
  readonly directory: Directory;
  /** Of the pair, on this side. */
  readonly address: string;
  /** Controllers that have to follow; null: all that the directory names. */
  readonly controllers: readonly string[] | null;
  readonly context: (signal: AbortSignal) => Context;
}

/** Tries against somebody who writes the entry at the same time. */
const staleMax = 3;

/** Redirection by `targetAddress` of the person's entry: Active Directory, where Exchange obeys it on mailboxes and mail users. FACTS §8 */
export function directoryRoute({ directory, address, controllers, context }: DirectoryRouteOptions): Route {
  const find = async (signal: AbortSignal): Promise<DirectoryObject | null> => {
    const proxies = [`SMTP:${address}`, `smtp:${address}`];
    const found = await directory.find(['proxyAddresses'], proxies, routingAttributes, context(signal));
    const objects = [...new Map(found.map((object) => [object.guid, object])).values()];
    if (objects.length > 1)
      throw new FaultError({
        kind: 'fatal',
        code: 'config',
        detail: `${objects.length} entries have the address ${address}, so nothing is delivered to it: ${objects.map(({ dn }) => dn).join(' and ')}; take it from all but one`,
      });
    return objects[0] ?? null;
  };
  return {
    isReadable: true,
    async read(signal) {
      const object = await find(signal);
      return object && entryOf(object);
    },
    async turn(to, signal): Promise<Turned> {
      for (let attempt = 1; ; attempt++) {
        const object = await find(signal);
        if (object === null)
          return { kind: 'refused', detail: `no entry has the address ${address} any more; it was there before` };
        const values = redirect(object.attributes, to);
        if (values === null) return { kind: 'already' };
        const [written] = await directory.write(
          [{ kind: 'modify', guid: object.guid, values: { targetAddress: values } }],
          context(signal),
        );
        if (written === undefined || written.kind === 'done') return { kind: 'done' };
        if (written.kind === 'handed-over') return written;
        if (written.reason !== 'stale' || attempt === staleMax)
          return { kind: 'refused', detail: `${written.reason}: ${written.detail}` };
      }
    },
    async lagging(to, signal) {
      const object = await find(signal);
      if (object === null) return [`no entry has the address ${address}`];
      const now = redirectionOf(object.attributes);
      if (now !== (to?.toLowerCase() ?? null))
        return [`the entry itself, which ${now === null ? 'redirects nowhere' : `redirects to ${now}`}`];
      const named = controllers ?? (await directory.describe(context(signal))).controllers;
      const shows = { targetAddress: object.attributes['targetAddress'] ?? [] };
      const answers = await directory.replicated(object.guid, shows, named, context(signal));
      return named.flatMap((controller) => {
        const answer = answers.get(controller) ?? null;
        return answer === true ? [] : [answer === null ? `${controller} (cannot be reached)` : controller];
      });
    },
  };
}

function entryOf({ attributes }: DirectoryObject): RouteEntry {
  return {
    redirectsTo: redirectionOf(attributes),
    addresses: addressesOf(attributes),
    legacyExchangeDn: attributes['legacyExchangeDN']?.[0] ?? null,
    answersTo: (legacyExchangeDn) => answersTo(attributes, legacyExchangeDn),
  };
}
