// Starts the authorization server and the API on free ports of loopback, for the program that started this one.
//
// That program writes one line of JSON to the standard input:
//
//   certificate, key        of both servers, as PEM
//   authority               the certificate of who vouches for both servers, and for clients, as PEM
//   clients                 the clients, as RFC 7591 has them; `public_key` or `certificate` (PEM) goes before `jwks`
//
// and reads one line from the standard output once both servers listen:
//
//   issuer                  of the authorization server, at the root of its host
//   tenant                  the issuer of another one, below a path of the same host
//   api                     the API
//   admin                   what was asked of all of them, and orders: see `admin.mjs`
//   version                 that of oidc-provider
//
// It ends when its standard input does, so that nobody has to remember to end it, and after five minutes anyway.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';

import { admin, Asked } from './admin.mjs';
import { Api } from './api.mjs';
import { authorizationServer } from './authorization_server.mjs';
import { wordOf } from './word.mjs';

const LONGEST_LIFE = 5 * 60 * 1000;

// oidc-provider warns of what is meant here: it keeps everything in memory.
console.info = () => {};
console.warn = () => {};

setTimeout(() => process.exit(1), LONGEST_LIFE);
const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
input.once('line', (line) => start(JSON.parse(line)).then((started) => console.log(JSON.stringify(started))));

async function start({ certificate, key, authority, clients }) {
  const tls = { cert: certificate, key };
  // Whether a certificate is good enough is decided by who reads it, and not by a connection that breaks off.
  const asking = { ...tls, ca: authority, requestCert: true, rejectUnauthorized: false };

  const [host, mutualHost, apiHost] = await Promise.all([listen(tls), listen(asking), listen(asking)]);
  const settings = { host: host.url, mutualHost: mutualHost.url, api: apiHost.url, clients };
  const asked = new Asked();
  const root = await authorizationServer({ path: '', ...settings }, asked);
  const tenant = await authorizationServer({ path: '/tenants/4711', ...settings }, asked);
  const issuers = mounted({ '/tenants/4711': tenant.callback(), '': root.callback() });
  host.server.on('request', issuers);
  mutualHost.server.on('request', issuers);

  const { keys, introspect } = await wordOf(root.issuer, authority);
  const api = new Api({ url: apiHost.url, issuer: root.issuer, keys, introspect }, asked);
  apiHost.server.on('request', mounted({ '/admin': admin(asked, api), '': api.callback() }));

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

// Hands each request to the first whose path it is below; that one sees the rest of the path.
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
