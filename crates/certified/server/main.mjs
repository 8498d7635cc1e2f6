// Starts the authorization server and the API on free loopback ports.
//
// Reads one line of JSON from the standard input:
//
//   certificate, key        the certificate and key of both servers, as PEM
//   authority               the certificate of the authority that signs the other certificates, as PEM
//   clients                 client metadata (RFC 7591), with `public_key` or `certificate` (PEM) instead of `jwks`
//
// Prints one line of JSON to the standard output once both servers listen:
//
//   issuer                  the issuer of the authorization server, at the root of its host
//   tenant                  the issuer of a second authorization server, below a path of the same host
//   api                     the URL of the API
//   admin                   the URL of the endpoints for the tests: see `admin.mjs`
//   version                 the version of oidc-provider
//
// The process ends when its standard input is closed, so that it does not outlive the tests, and after five minutes at
// the latest.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';

import { admin, Outcomes } from './admin.mjs';
import { Api } from './api.mjs';
import { authorizationServer } from './authorization_server.mjs';
import { issuerClient } from './issuer_client.mjs';

const MAX_LIFETIME = 5 * 60 * 1000;

// oidc-provider warns that it keeps everything in memory, which is intended here.
console.info = () => {};
console.warn = () => {};

setTimeout(() => process.exit(1), MAX_LIFETIME);
const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
input.once('line', (line) => start(JSON.parse(line)).then((started) => console.log(JSON.stringify(started))));

async function start({ certificate, key, authority, clients }) {
  const tls = { cert: certificate, key };
  // Accept every client certificate. The handlers check it, and return an OAuth error instead of a closed connection.
  const mutualTls = { ...tls, ca: authority, requestCert: true, rejectUnauthorized: false };

  const [host, mutualHost, apiHost] = await Promise.all([listen(tls), listen(mutualTls), listen(mutualTls)]);
  const settings = { host: host.url, mutualHost: mutualHost.url, api: apiHost.url, clients };
  const outcomes = new Outcomes();
  const root = await authorizationServer({ path: '', ...settings }, outcomes);
  const tenant = await authorizationServer({ path: '/tenants/4711', ...settings }, outcomes);
  const issuers = mounted({ '/tenants/4711': tenant.callback(), '': root.callback() });
  host.server.on('request', issuers);
  mutualHost.server.on('request', issuers);

  const { keys, introspect } = await issuerClient(root.issuer, authority);
  const api = new Api({ url: apiHost.url, issuer: root.issuer, keys, introspect }, outcomes);
  apiHost.server.on('request', mounted({ '/admin': admin(outcomes, api), '': api.callback() }));

  return {
    issuer: root.issuer,
    tenant: tenant.issuer,
    api: apiHost.url,
    admin: `${apiHost.url}/admin`,
    version: await version(),
  };
}

async function listen(options) {
  const server = createServer(options);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { server, url: `https://127.0.0.1:${server.address().port}` };
}

// Passes each request to the first callback whose prefix matches, with the rest of the path.
function mounted(callbacks) {
  return (request, response) => {
    const [path, callback] = Object.entries(callbacks).find(([prefix]) => request.url.startsWith(`${prefix}/`));
    request.originalUrl = request.url;
    request.url = request.url.slice(path.length);
    return callback(request, response);
  };
}

async function version() {
  const manifest = new URL('node_modules/oidc-provider/package.json', import.meta.url);
  return JSON.parse(await readFile(manifest, 'utf8')).version;
}
