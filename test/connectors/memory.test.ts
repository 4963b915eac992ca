import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { FaultError } from '#kit/fault.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { typedKinds } from '#model/typed-item.ts';
import { memoryMailbox } from '#test/simulation/memory/memory-mailbox.ts';
import { type ConnectorUnderTest, connectorSuite } from '#test/suites/connector-suite.ts';
import { typedSuite } from '#test/suites/typed-suite.ts';

const itemMaxBytes = 6 << 20;
const noRequests = 'a call is a look into memory: nothing is requested, nothing takes time';

const memory = {
  itemMaxBytes,
  async open(): Promise<ConnectorUnderTest> {
    const organization = new MemoryOrganization('memory');
    const box = organization.add('anna@memory.test');
    const people = memoryMailbox(box);
    organization.itemFault = (operation, { sizeBytes = 0 }) =>
      operation === 'create' && sizeBytes > itemMaxBytes
        ? { kind: 'poison', reason: 'too-large', detail: `${sizeBytes} bytes` }
        : null;
    return {
      connector: memoryConnector(organization),
      another: () => memoryConnector(organization),
      people,
      clock: new SteppingClock(1_700_000_000_000),
      requestedAtMs: [],
      setLatency() {},
      recoverableCount: () => box.typed.recoverable.size,
      forgetCursors() {
        const { before } = organization;
        organization.before = (operation) => {
          if (operation !== 'changes' && operation !== 'typedChanges') return;
          organization.before = before;
          throw new FaultError({ kind: 'cursor-lost' });
        };
      },
      async close() {},
    };
  },
};

connectorSuite({
  name: 'memory',
  ...memory,
  deviations: [
    { test: 'no request leaves after the deadline of its call', because: noRequests },
    { test: 'a call of several requests stops at its deadline', because: noRequests },
    { test: 'a call whose signal is aborted asks nothing and ends', because: noRequests },
  ],
});

typedSuite({
  name: 'typed items in memory',
  ...memory,
  kinds: typedKinds,
  deviations: [{ test: 'no typed request leaves after the deadline of its call', because: noRequests }],
});
