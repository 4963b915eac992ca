import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { FaultError } from '#kit/fault.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { memoryMailbox } from '#test/simulation/memory/memory-mailbox.ts';
import { connectorSuite } from '#test/suites/connector-suite.ts';

const itemMaxBytes = 6 << 20;
const noRequests = 'a call is a look into memory: nothing is requested, nothing takes time';

connectorSuite({
  name: 'memory',
  itemMaxBytes,
  async open() {
    const organization = new MemoryOrganization('memory');
    const people = memoryMailbox(organization.add('anna@memory.test'));
    organization.itemFault = (operation, { sizeBytes = 0 }) =>
      operation === 'create' && sizeBytes > itemMaxBytes
        ? { kind: 'poison', reason: 'too-large', detail: `${sizeBytes} bytes` }
        : null;
    return {
      connector: memoryConnector(organization),
      people,
      clock: new SteppingClock(1_700_000_000_000),
      requestedAtMs: [],
      setLatency() {},
      forgetCursors() {
        const { before } = organization;
        organization.before = (operation) => {
          if (operation !== 'changes') return;
          organization.before = before;
          throw new FaultError({ kind: 'cursor-lost' });
        };
      },
      async close() {},
    };
  },
  deviations: [
    { test: 'no request leaves after the deadline of its call', because: noRequests },
    { test: 'a call of several requests stops at its deadline', because: noRequests },
    { test: 'a call whose signal is aborted asks nothing and ends', because: noRequests },
  ],
});
