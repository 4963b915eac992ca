import type { Connector } from '#connectors/contract.ts';
import type { Project } from '#project/project.ts';
import type { Store } from '#store/store.ts';

/**
 * What a command works with. Each part is opened when it is first asked for: `status` needs no server and `discover` no
 * store. `close` closes what was opened.
 */
export interface Services {
  readonly project: Project;
  store(): Promise<Store>;
  /** Reads the organization's secrets. @param organization Its name in the project. */
  connector(organization: string): Promise<Connector>;
  close(): Promise<void>;
}
