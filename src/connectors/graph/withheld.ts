import type { Abilities } from '../contract.ts';

/** Fields of mail that copies in Exchange Online lack on purpose. Read by `verify` and by `docs/carried.md`. */
export const withheld = {
  readReceiptRequested:
    'copies in Exchange Online ask for no receipts: marking or removing one would answer a second time',
} as const satisfies Abilities['withheld'];
