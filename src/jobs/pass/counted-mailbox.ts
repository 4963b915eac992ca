import type { Mailbox } from '#connectors/contract.ts';
import type { TypedKind } from '#model/typed-item.ts';

/** The same mailbox, with every call counted, those of its typed items as well: what a pass says of its own cost. */
export function countedMailbox(mailbox: Mailbox, count: () => void): Mailbox {
  return countedCalls(mailbox, count);
}

function countedCalls<T extends object>(calls: T, count: () => void): T {
  return new Proxy(calls, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver) as unknown;
      if (typeof value !== 'function') return value;
      // Handing out typed items makes no request; what they do is counted instead.
      if (name === 'typed')
        return (kind: TypedKind) => {
          const items = (value as Mailbox['typed']).call(target, kind);
          return items === null ? null : countedCalls(items, count);
        };
      return (...args: unknown[]) => {
        count();
        return (value as (...a: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}
