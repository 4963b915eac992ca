/** A cloud of Microsoft 365: who lives in one is not known in another (GDOC `concepts/deployments.md`). */
export interface Cloud {
  /** Root of the Graph, without a version. */
  readonly graph: string;
  /** Sign-in service. */
  readonly authority: string;
  /** Hosts to which a request for an import may go: `host` or `*.domain`. Empty: there is no import, so nothing can be created. */
  readonly importHosts: readonly string[];
}

export const cloudNames = ['worldwide', 'us-government', 'us-defense', 'china'] as const;
export type CloudName = (typeof cloudNames)[number];

/** Import and export exist in the worldwide cloud only (GDOC `api-reference/v1.0/api/mailbox-createimportsession.md`). */
export const clouds: Readonly<Record<CloudName, Cloud>> = {
  worldwide: {
    graph: 'https://graph.microsoft.com',
    authority: 'https://login.microsoftonline.com',
    importHosts: ['outlook.office365.com', 'outlook.office.com'],
  },
  'us-government': {
    graph: 'https://graph.microsoft.us',
    authority: 'https://login.microsoftonline.us',
    importHosts: [],
  },
  'us-defense': {
    graph: 'https://dod-graph.microsoft.us',
    authority: 'https://login.microsoftonline.us',
    importHosts: [],
  },
  china: {
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    authority: 'https://login.partner.microsoftonline.cn',
    importHosts: [],
  },
};

/** The cloud that an address of the Graph belongs to; an address of none of them is taken for one with everything. */
export function cloudOf(endpoint: string): CloudName {
  const { origin } = new URL(endpoint);
  return cloudNames.find((name) => clouds[name].graph === origin) ?? 'worldwide';
}

/** What the token has to be for: the origin of the Graph, as one scope of everything that was consented. */
export const scopeOf = (endpoint: string): string => `${new URL(endpoint).origin}/.default`;
