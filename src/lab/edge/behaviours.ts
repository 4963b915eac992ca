/**
 * What the edge imitates, and how we know: `recorded` (a recording or a published sample), `documented` (a page or a specification),
 * `assumed` (experience or a guess; `causeway probe` can settle it).
 */
export interface Behaviour {
  readonly name: string;
  readonly mark: 'recorded' | 'documented' | 'assumed';
  /** Page, specification or fixture; for assumed ones, why it is as it is. */
  readonly source: string;
}

export const edgeBehaviours: readonly Behaviour[] = [
  // Sign-in
  {
    name: 'NTLMv2: challenge, proof, session key, message integrity code',
    mark: 'documented',
    source: '[MS-NLMP] 3.2.5.1, 3.3.2',
  },
  { name: 'NTLMv2: the MIC is checked when the client flags it', mark: 'documented', source: '[MS-NLMP] 3.2.5.1.2' },
  {
    name: 'NTLMv1 and LM are refused',
    mark: 'assumed',
    source: 'LmCompatibilityLevel 5, usual today, not the default of 2007',
  },
  {
    name: 'Channel binding is MD5 over tls-server-end-point; none, allow, require',
    mark: 'documented',
    source: 'RFC 5929 section 4, [MS-NLMP] 2.2.2.1',
  },
  {
    name: 'Extended Protection does not apply to plain HTTP',
    mark: 'assumed',
    source: 'real servers check the service name there; the lab does not',
  },
  {
    name: 'NTLM authenticates the connection until another Authorization header comes; Persistent-Auth: true',
    mark: 'recorded',
    source: 'fixtures garethp-php-ews (headers), [MS-NTHT]',
  },
  {
    name: 'Negotiate takes NTLM tokens only; SPNEGO and Kerberos get 401',
    mark: 'assumed',
    source: 'there is no domain controller in the lab',
  },
  {
    name: 'WWW-Authenticate: Negotiate, NTLM, Basic, and Bearer from 2013 on',
    mark: 'assumed',
    source: 'Basic is off by default from 2010 on; migrations switch it on',
  },
  {
    name: 'A wrong password, an unknown user, a disabled or locked account: 401, all alike',
    mark: 'documented',
    source: 'IIS substatus 401.1',
  },
  {
    name: 'GET /EWS/Exchange.asmx without credentials: 401; paths ignore case',
    mark: 'recorded',
    source: 'peers/README.md, DavMail 1 and 2',
  },
  {
    name: 'Token endpoint: client_credentials with secret or assertion, error codes',
    mark: 'documented',
    source: 'Entra: v2-oauth2-client-creds-grant-flow, reference-error-codes',
  },
  {
    name: 'Client assertion: RS256 or PS256, x5t or x5t#S256, aud, iss, sub, exp, nbf',
    mark: 'documented',
    source: 'Entra: certificate-credentials, RFC 7523 section 3',
  },
  {
    name: 'A client assertion may be sent again while it lives; refusing is an option',
    mark: 'assumed',
    source: '@azure/msal-node sends one assertion for ten minutes; RFC 7523 lets a server refuse',
  },
  {
    name: 'An application must impersonate: ErrorImpersonationRequired',
    mark: 'documented',
    source: 'EWS: how-to-authenticate-an-ews-application-by-using-oauth',
  },
  {
    name: 'A token without full_access_as_app: 403 with x-ms-diagnostics',
    mark: 'assumed',
    source: 'reports name 401 and 403',
  },
  {
    name: 'Expired, misdirected or altered tokens: 401 with x-ms-diagnostics',
    mark: 'assumed',
    source: 'the numbers are those of reports',
  },
  // Front end
  {
    name: 'request-id, X-FEServer, X-BEServer, X-CalculatedBETarget, X-DiagInfo, exchangecookie, X-BackEndCookie',
    mark: 'recorded',
    source: 'fixtures garethp-php-ews/README.md (2019)',
  },
  {
    name: '2007 and 2010 send none of the proxy headers; 2010 sends exchangecookie',
    mark: 'assumed',
    source: 'the front-end proxy came with 2013',
  },
  {
    name: 'X-PreferServerAffinity gets X-BackEndOverrideCookie, and the cookie pins the back end',
    mark: 'documented',
    source: 'EWS: how-to-maintain-affinity-between-group-of-subscriptions-and-mailbox-server',
  },
  { name: 'EWS switched off: 403', mark: 'documented', source: 'FACTS §3' },
  {
    name: 'A request over the limit: 413',
    mark: 'assumed',
    source: 'IIS answers 404.13, WCF 400 or 413, by which limit strikes first',
  },
  {
    name: 'Redirects by 301, 302, 307 and 451 with X-MS-Location',
    mark: 'documented',
    source: '[MS-ASHTTP] 451; load balancers',
  },
  // Autodiscover
  {
    name: 'POX: settings, redirectAddr, redirectUrl, errors 500, 600, 601',
    mark: 'documented',
    source: 'EWS: pox-autodiscover pages; ews/autodiscover samples',
  },
  {
    name: 'SOAP: GetUserSettings with RedirectAddress, RedirectUrl, InvalidUser, SettingIsNotAvailable; not in 2007',
    mark: 'recorded',
    source: 'ews/autodiscover samples',
  },
  {
    name: 'GET on plain HTTP: 302 to HTTPS',
    mark: 'documented',
    source: 'EWS: autodiscover-for-exchange, redirect method',
  },
  {
    name: 'autodiscover.json for EWS without sign-in, from 2016 on',
    mark: 'assumed',
    source: 'documented for Online; in 2016 from CU3 on',
  },
  // Throttling
  { name: '2007 has no throttling', mark: 'documented', source: 'EWS: ews-throttling-in-exchange' },
  {
    name: '2010: 90, 50, 60 percent of a minute (CAS, AD, mailbox), 10 connections',
    mark: 'documented',
    source: 'Set-ThrottlingPolicy of 2010',
  },
  {
    name: '2010: a percentage is a balance of one minute that refills evenly',
    mark: 'assumed',
    source: 'the window is documented, its shape is not',
  },
  {
    name: '2013 and later: burst 300,000, recharge 900,000 an hour, cut-off 3,000,000',
    mark: 'assumed',
    source: 'FIELD-NOTES §3 (shipped defaults, from practice)',
  },
  {
    name: '2013 and later: below zero each request is delayed by what it takes to earn it, at most a minute',
    mark: 'assumed',
    source: 'micro delays are documented, their length is not',
  },
  {
    name: 'At the cut-off: refused for five minutes',
    mark: 'assumed',
    source: 'a back-off of 297,749 ms was recorded',
  },
  {
    name: 'ErrorServerBusy as a fault with status 500 and BackOffMilliseconds',
    mark: 'recorded',
    source: 'fixtures exchangelib/error_server_busy-Fault.xml, kde-ews/errorserverbusy-Fault.xml',
  },
  {
    name: 'ErrorServerBusy in a response message with status 200',
    mark: 'recorded',
    source: 'fixtures ews-rs/deserialize_envelope_with_server_busy_error-SyncFolderItemsResponse.xml',
  },
  {
    name: 'MaxConcurrency refuses without BackOffMilliseconds',
    mark: 'recorded',
    source: 'fixtures kde-ews/errorserverbusy-Fault.xml',
  },
  {
    name: 'Impersonated calls are charged to the mailbox',
    mark: 'documented',
    source: 'EWS: ews-throttling-in-exchange (2010 SP2 RU4)',
  },
  {
    name: 'Hanging connections: 3 in 2013, 10 from 2016 on, ErrorExceededConnectionCount',
    mark: 'documented',
    source: 'EWS: ews-throttling-in-exchange',
  },
  { name: 'What an operation costs', mark: 'assumed', source: 'src/lab/edge/cost.ts' },
];
