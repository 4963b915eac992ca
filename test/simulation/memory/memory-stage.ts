import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import type { OpenStage, SimulatedSide } from '../stage.ts';
import { memoryMailbox } from './memory-mailbox.ts';

/** Two organizations in memory: calls take no time and are whole. The fast stage, on which thousands of lives are played. */
export const memoryStage: OpenStage = ({ seed, clock, itemFault }) => {
  // Pages and batches so small that folders take several of them, and so large that one is enough.
  const abilities = { changePageMax: seed % 2 === 0 ? 3 : 512, batchMax: seed % 3 === 0 ? 2 : 50 };
  const side = (name: string): SimulatedSide => {
    const organization = new MemoryOrganization(name);
    organization.itemFault = (operation, item) => itemFault(operation, item.id ?? '');
    const mailbox = memoryMailbox(organization.add(`anna@${name}.test`));
    return { mailbox, connect: () => memoryConnector(organization, abilities) };
  };
  return {
    left: side('source'),
    right: side('target'),
    clock,
    advance(ms) {
      clock.advance(ms);
      return undefined;
    },
    later: (atMs, work) => clock.at(atMs, () => void work()),
    setCalm() {},
    async close() {},
  };
};
